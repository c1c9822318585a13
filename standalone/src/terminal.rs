//! What commands show. Laws: colours and progress only where a person looks on; text of chats never moves the
//! terminal's cursor.

use std::io::{self, IsTerminal as _, Write};
use std::time::{Duration, Instant};

/// Whether this stream may be coloured: a terminal, and neither `NO_COLOR` nor a dumb one.
fn coloured(terminal: bool) -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    terminal && !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Headings and notes on standard output.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    coloured: bool,
}

impl Style {
    /// Of standard output.
    pub(crate) fn stdout() -> Self {
        Self { coloured: coloured(io::stdout().is_terminal()) }
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.coloured { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// A text of somebody else's without anything that a terminal would obey: control characters but line breaks and
/// tabs, and marks that turn the direction of all that follows.
pub(crate) fn tame(text: &str) -> String {
    let wild = |sign: char| {
        (sign.is_control() && !matches!(sign, '\n' | '\t'))
            || matches!(sign, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|sign| if wild(sign) { '\u{fffd}' } else { sign }).collect()
}

/// `12,345`
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// `1 message`, `12,345 messages`
pub(crate) fn counted(number: u64, one: &str) -> String {
    format!("{} {one}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// `1 person`, `12 people`
pub(crate) fn people(number: u64) -> String {
    if number == 1 { "1 person".to_owned() } else { format!("{} people", grouped(number)) }
}

/// How a reader that went away is taken: `recap export | head` is no failure.
pub(crate) fn unless_closed(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// A line on standard error, in place of a progress line that may stand there.
pub(crate) fn note(text: &str) {
    let begin = if io::stderr().is_terminal() { "\r\x1b[K" } else { "" };
    // Nowhere is left to complain to if this fails.
    let _ = writeln!(io::stderr().lock(), "{begin}{text}");
}

/// A line at the bottom of the terminal that tells how far something is. Silent where nobody looks on.
pub(crate) struct Progress {
    shown: bool,
    began: Instant,
    drawn: Option<Instant>,
    /// All bytes of the source, where that is known.
    total: Option<u64>,
}

const REDRAW: Duration = Duration::from_millis(100);
const BAR: usize = 24;

impl Progress {
    pub(crate) fn new(total: Option<u64>) -> Self {
        let shown = io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        Self { shown, began: Instant::now(), drawn: None, total: total.filter(|bytes| *bytes > 0) }
    }

    /// Shows how many messages are done, and how many bytes of the source are read.
    pub(crate) fn show(&mut self, messages: u64, bytes: u64) {
        if !self.shown || self.drawn.is_some_and(|at| at.elapsed() < REDRAW) {
            return;
        }
        self.drawn = Some(Instant::now());
        let line = line(self.total, messages, bytes, self.began.elapsed());
        let mut stderr = io::stderr().lock();
        // Nothing is lost with a progress line.
        let _ = write!(stderr, "\r\x1b[K{line}");
        let _ = stderr.flush();
    }

    /// Takes the line away, so that something else can be written.
    pub(crate) fn clear(&mut self) {
        if self.shown && self.drawn.take().is_some() {
            let _ = write!(io::stderr().lock(), "\r\x1b[K");
        }
    }
}

fn line(total: Option<u64>, messages: u64, bytes: u64, took: Duration) -> String {
    let seconds = took.as_secs_f64().max(0.001);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rates and times are small and positive"
    )]
    let whole = |figure: f64| figure.round() as u64;
    let rate = grouped(whole(messages as f64 / seconds));
    let done = grouped(messages);
    let Some(total) = total else { return format!("{done} messages  {rate}/s") };
    let part = (bytes as f64 / total as f64).clamp(0.0, 1.0);
    let full = usize::try_from(whole(part * BAR as f64)).unwrap_or(BAR).min(BAR);
    let bar = format!("{}{}", "█".repeat(full), "░".repeat(BAR - full));
    let left = if part > 0.0 { short(whole(seconds * (1.0 - part) / part)) } else { "?".to_owned() };
    format!("{bar} {:>3} %  {done} messages  {rate}/s  {left} left", whole(part * 100.0))
}

/// `1 h 02 min`, `3 min 20 s`, `7 s`
fn short(seconds: u64) -> String {
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds:02} s"),
        (hours, minutes, _) => format!("{hours} h {minutes:02} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_tells_part_rate_and_time_left() {
        let shown = line(Some(1000), 12_345, 250, Duration::from_secs(10));
        assert_eq!(shown, format!("{}{}  25 %  12,345 messages  1,235/s  30 s left", "█".repeat(6), "░".repeat(18)));
        assert_eq!(line(None, 5, 9, Duration::from_secs(1)), "5 messages  5/s");
        assert!(line(Some(10), 0, 0, Duration::ZERO).ends_with("? left"));
        assert_eq!((short(7), short(200), short(3720)), ("7 s".into(), "3 min 20 s".into(), "1 h 02 min".into()));
    }

    #[test]
    fn chat_text_cannot_steer_a_terminal() {
        assert_eq!(tame("a\x1b[2Jb\n\tc\u{202e}d\r"), "a\u{fffd}[2Jb\n\tc\u{fffd}d\u{fffd}");
        assert_eq!((counted(1, "message"), counted(2, "message")), ("1 message".into(), "2 messages".into()));
        assert_eq!((people(1), people(1200)), ("1 person".into(), "1,200 people".into()));
        assert_eq!((grouped(0), grouped(1234), grouped(1_234_567)), ("0".into(), "1,234".into(), "1,234,567".into()));
    }
}
