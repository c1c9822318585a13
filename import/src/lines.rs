//! Lines of a stream. Law: no line takes more memory than its limit, however long it is.

use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, Read};

/// A line without its end.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    /// From 1.
    pub(crate) number: u64,
    /// Bytes that are no UTF-8 are replaced.
    pub(crate) text: Cow<'a, str>,
    /// Whether more than the limit came; the rest is gone.
    pub(crate) cut: bool,
}

/// What ends a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ends {
    /// `\n`, `\r\n` and a lone `\r`, also mixed.
    Any,
    /// `\n` only; a `\r` before it belongs to the line.
    Newline,
}

/// Reads line by line.
pub(crate) struct Lines<R> {
    from: BufReader<R>,
    ends: Ends,
    limit: usize,
    line: Vec<u8>,
    number: u64,
    /// A `\n` that comes next belongs to the `\r` before it.
    returned: bool,
}

impl<R: Read> Lines<R> {
    pub(crate) fn new(from: R, ends: Ends, limit: usize) -> Self {
        let from = BufReader::with_capacity(64 * 1024, from);
        Self { from, ends, limit, line: Vec::new(), number: 0, returned: false }
    }

    /// The next line; `None` at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.line.clear();
        let mut cut = false;
        let mut any = false;
        loop {
            let buffer = match self.from.fill_buf() {
                Ok(buffer) => buffer,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if buffer.is_empty() {
                if !any {
                    return Ok(None);
                }
                break;
            }
            if self.returned {
                self.returned = false;
                if buffer[0] == b'\n' {
                    self.from.consume(1);
                    continue;
                }
            }
            any = true;
            let ends = |byte: &u8| *byte == b'\n' || (*byte == b'\r' && self.ends == Ends::Any);
            let end = buffer.iter().position(ends);
            let part = &buffer[..end.unwrap_or(buffer.len())];
            let room = self.limit.saturating_sub(self.line.len());
            cut |= part.len() > room;
            self.line.extend_from_slice(&part[..part.len().min(room)]);
            let Some(end) = end else {
                let all = buffer.len();
                self.from.consume(all);
                continue;
            };
            self.returned = buffer[end] == b'\r';
            self.from.consume(end + 1);
            break;
        }
        self.number += 1;
        if self.number == 1 && self.line.starts_with(b"\xef\xbb\xbf") {
            self.line.drain(..3);
        }
        if cut {
            trim_broken(&mut self.line);
        }
        Ok(Some(Line { number: self.number, text: String::from_utf8_lossy(&self.line), cut }))
    }
}

/// Takes off a character that was cut in two.
fn trim_broken(line: &mut Vec<u8>) {
    let tail = line.len().saturating_sub(4);
    if let Some(start) = line[tail..].iter().rposition(|byte| byte & 0b1100_0000 != 0b1000_0000)
        && std::str::from_utf8(&line[tail + start..]).is_err()
    {
        line.truncate(tail + start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8], ends: Ends, limit: usize) -> Vec<(u64, String, bool)> {
        let mut lines = Lines::new(bytes, ends, limit);
        let mut list = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            list.push((line.number, line.text.into_owned(), line.cut));
        }
        list
    }

    #[test]
    fn ends_of_all_kinds_may_be_mixed() {
        let texts = |bytes: &[u8]| all(bytes, Ends::Any, 99).into_iter().map(|line| line.1).collect::<Vec<_>>();
        assert_eq!(texts(b"\xef\xbb\xbfa\r\nb\rc\n\n\r\nd"), ["a", "b", "c", "", "", "d"]);
        assert_eq!(texts(b"a\r"), ["a"]);
        assert_eq!(texts(b"\r\n"), [""]);
        assert!(texts(b"").is_empty());
        assert_eq!(all(b"a\rb\r\nc", Ends::Newline, 99)[0].1, "a\rb\r");
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        let list = all("aé🦀\nx".as_bytes(), Ends::Any, 5);
        assert_eq!(list, [(1, "aé".to_owned(), true), (2, "x".to_owned(), false)]);
    }
}
