//! Lines `Name: text`, as transcripts have them: further lines go on with the message, `<name> text` is understood too,
//! and a date and time may stand before, in brackets or not: `[2024-01-31 12:00] Name: text`.

use std::io::{Cursor, Read};

use shared::config::MessageLimits;
use shared::domain::Timestamp;

use super::Context;
use crate::clock::Zone;
use crate::detect::HEAD;
use crate::ids;
use crate::item::{Message, Reason, as_id};
use crate::lines::{Ends, Lines};
use crate::marks::trim;
use crate::names::Names;
use crate::nth::Nth;
use crate::source::{Emit, ReadError, Stopped};

const LINE: usize = 128 * 1024;
/// Words of a name; what is longer is a sentence with a colon.
const WORDS: usize = 5;

/// Whether a line names its speaker.
pub(crate) fn is_spoken(line: &str) -> bool {
    split(&Names::default(), timed(line, &Zone::default()).1).is_some()
}

/// The time before a line, and the rest.
fn timed<'l>(line: &'l str, zone: &Zone) -> (Option<Timestamp>, &'l str) {
    let line = line.trim_start();
    if let Some((inside, rest)) = line.strip_prefix('[').and_then(|line| line.split_once(']')) {
        return match zone.parse(inside) {
            Some(at) => (Some(at), rest.trim_start()),
            None => (None, line),
        };
    }
    if !line.starts_with(|sign: char| sign.is_ascii_digit()) {
        return (None, line);
    }
    // `2024-01-31T12:00:00Z Name: …` and `2024-01-31 12:00:00 Name: …`
    let ends = line.match_indices(' ').map(|(at, _)| at).take(2);
    for end in ends.collect::<Vec<_>>().into_iter().rev() {
        if let Some(at) = zone.parse(&line[..end]) {
            return (Some(at), line[end..].trim_start().trim_start_matches("- "));
        }
    }
    (None, line)
}

fn split<'l>(names: &Names, line: &'l str) -> Option<(&'l str, &'l str)> {
    if let Some((name, text)) = line.strip_prefix('<').and_then(|line| line.split_once("> ")) {
        return (!name.is_empty() && !name.contains(['<', '/'])).then_some((name, text));
    }
    let (name, text) = names.split(line)?;
    let words = name.split_whitespace().count();
    let bad =
        words > WORDS || name.starts_with(char::is_whitespace) || name.contains("://") || name.ends_with(['"', '”']);
    (!bad).then_some((name, text))
}

pub(crate) fn read(context: &Context<'_>, from: &mut dyn Read, emit: Emit<'_>) -> Result<(), ReadError> {
    let mut beginning = Vec::new();
    from.take(HEAD as u64).read_to_end(&mut beginning)?;
    let zone = &context.options.zone;
    let mut names = Names::default();
    for line in String::from_utf8_lossy(&beginning).split(['\n', '\r']) {
        names.learn(timed(line, zone).1);
    }
    let mut lines = Lines::new(Cursor::new(beginning).chain(from), Ends::Any, LINE);
    let mut script = Script { context, nth: Nth::default(), number: 0, open: None };
    while let Some(line) = lines.next()? {
        let (at, rest) = timed(&line.text, zone);
        if let Some((name, text)) = split(&names, rest) {
            let (user, text) = (as_id(trim(name)), text.trim().to_owned());
            script.close(emit)?;
            script.open = Some(Open { at, user, text, line: line.number, cut: line.cut, blank: false });
        } else {
            script.go_on(&line.text, line.number, line.cut, emit)?;
        }
    }
    Ok(script.close(emit)?)
}

struct Script<'a> {
    context: &'a Context<'a>,
    nth: Nth,
    number: u64,
    open: Option<Open>,
}

struct Open {
    at: Option<Timestamp>,
    user: String,
    text: String,
    line: u64,
    cut: bool,
    /// An empty line came, which counts only if text follows.
    blank: bool,
}

impl Script<'_> {
    fn go_on(&mut self, text: &str, line: u64, cut: bool, emit: Emit<'_>) -> Result<(), Stopped> {
        let said = trim(text);
        match &mut self.open {
            Some(open) if said.is_empty() => open.blank = !open.text.is_empty(),
            None if said.is_empty() => {}
            None => self.context.skip(emit, Reason::NoAuthor, line, said)?,
            Some(open) => {
                open.cut |= cut || open.text.len() > MessageLimits::default().max_content_bytes;
                if !open.cut {
                    if !open.text.is_empty() {
                        open.text.push_str(if open.blank { "\n\n" } else { "\n" });
                    }
                    open.blank = false;
                    open.text.push_str(text.trim_end());
                }
            }
        }
        Ok(())
    }

    fn close(&mut self, emit: Emit<'_>) -> Result<(), Stopped> {
        let Some(open) = self.open.take() else { return Ok(()) };
        self.number += 1;
        if open.cut {
            return self.context.skip(emit, Reason::TooLong, open.line, &open.text);
        }
        // Without a time, only the place in the file tells equal lines apart, and the file one file from another.
        let message_id = match open.at {
            Some(at) => {
                let nth = self.nth.count(at.as_millis(), &open.user, &open.text).to_string();
                ids::made("plain", &[&at.to_string(), &open.user, &open.text, &nth])
            }
            None => ids::made("plain", &[&self.context.name, &self.number.to_string(), &open.user, &open.text]),
        };
        let message = Message {
            conversation: as_id(&self.context.stem),
            user: open.user,
            content: open.text,
            timestamp: open.at,
            message_id,
            metadata: None,
            place: self.context.place(open.line),
        };
        emit(message.checked())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speaker_is_told_from_a_sentence() {
        for line in ["Anna: hi", "Dr. Anna Maria Smith: x", "<anna> hi", "[2024-01-31 12:00] Anna: hi", "Anna:"] {
            assert!(is_spoken(line), "{line}");
        }
        for line in ["", "hello", "see https://a.b: c", "what we said was this one thing: nothing", " Anna: x\n"] {
            assert!(!is_spoken(line) || line.starts_with(' '), "{line}");
        }
    }

    #[test]
    fn times_may_stand_before() {
        let zone = Zone::default();
        for line in [
            "[2024-01-31 12:00] A: x",
            "2024-01-31T12:00:00Z A: x",
            "2024-01-31 12:00:00 A: x",
            "2024-01-31 12:00 - A: x",
        ] {
            let (at, rest) = timed(line, &zone);
            assert_eq!(
                (at.map(|at| at.to_string()).as_deref(), rest),
                (Some("2024-01-31T12:00:00Z"), "A: x"),
                "{line}"
            );
        }
        assert_eq!(timed("[note] A: x", &zone), (None, "[note] A: x"));
        assert_eq!(timed("20 people: x", &zone), (None, "20 people: x"));
    }
}
