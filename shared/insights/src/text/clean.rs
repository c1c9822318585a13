//! What goes in and out: contractions joined before reading, control characters left out of what
//! is written, lengths cut at a character.

use std::borrow::Cow;

/// The text with straight apostrophes, and contractions that were torn apart ("haven ' t") joined again.
pub(crate) fn normalize(text: &str) -> Cow<'_, str> {
    if text.contains('’') {
        return Cow::Owned(joined(&text.replace('’', "'")));
    }
    if text.contains(" ' ") { Cow::Owned(joined(text)) } else { Cow::Borrowed(text) }
}

fn joined(text: &str) -> String {
    let mut joined = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(' ') {
        let (head, tail) = rest.split_at(at);
        joined.push_str(head);
        match tail.strip_prefix(" ' ") {
            Some(ending) if joined.ends_with(char::is_alphabetic) && is_contraction(ending) => {
                joined.push('\'');
                let length = ending.bytes().take_while(u8::is_ascii_alphabetic).count();
                joined.push_str(&ending[..length].to_ascii_lowercase());
                rest = &ending[length..];
            }
            _ => {
                joined.push(' ');
                rest = &tail[1..];
            }
        }
    }
    joined.push_str(rest);
    joined
}

fn is_contraction(text: &str) -> bool {
    let length = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    ["s", "t", "m", "d", "re", "ve", "ll", "clock"].iter().any(|ending| text[..length].eq_ignore_ascii_case(ending))
}

/// At most `limit` bytes of the text, cut at a character.
pub(crate) fn clip(text: &str, limit: usize) -> &str {
    let mut end = text.len().min(limit);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The text on one line, white space collapsed, characters that steer a display left out, at most
/// `limit` bytes; a cut shows as an ellipsis, at a word where one ends near.
pub(crate) fn plain(text: &str, limit: usize) -> String {
    let mut line = String::with_capacity(text.len().min(limit) + 4);
    let mut gap = false;
    for sign in text.chars() {
        if sign.is_whitespace() || sign.is_control() {
            gap = !line.is_empty();
            continue;
        }
        if matches!(sign as u32, 0x200b | 0x200e | 0x200f | 0x202a..=0x202e | 0x2060..=0x2069 | 0xfeff) {
            continue;
        }
        if line.len() + usize::from(gap) + sign.len_utf8() > limit {
            let keep = line.rfind(' ').filter(|at| *at * 2 > limit).unwrap_or(line.len());
            line.truncate(keep);
            line.push('…');
            return line;
        }
        if gap {
            line.push(' ');
            gap = false;
        }
        line.push(sign);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn torn_contractions_are_joined() {
        assert_eq!(normalize("I ' Ve told you , I haven ' t ' seen ' it"), "I've told you , I haven't ' seen ' it");
        assert!(matches!(normalize("no change"), Cow::Borrowed(_)));
    }

    #[test]
    fn lines_are_plain_and_cut_at_a_word() {
        assert_eq!(plain(" a\n\u{202e}b\u{0} c ", 20), "a b c");
        assert_eq!(plain("one two three four", 15), "one two three…");
        assert_eq!(clip("äöü", 3), "ä");
    }
}
