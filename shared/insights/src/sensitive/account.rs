//! International bank account numbers.

use super::{begins, ends};

/// How long the number of a country is.
const LENGTHS: [(&str, usize); 82] = [
    ("AD", 24),
    ("AE", 23),
    ("AL", 28),
    ("AT", 20),
    ("AZ", 28),
    ("BA", 20),
    ("BE", 16),
    ("BG", 22),
    ("BH", 22),
    ("BI", 27),
    ("BR", 29),
    ("BY", 28),
    ("CH", 21),
    ("CR", 22),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DJ", 27),
    ("DK", 18),
    ("DO", 28),
    ("EE", 20),
    ("EG", 29),
    ("ES", 24),
    ("FI", 18),
    ("FO", 18),
    ("FR", 27),
    ("GB", 22),
    ("GE", 22),
    ("GI", 23),
    ("GL", 18),
    ("GR", 27),
    ("GT", 28),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IL", 23),
    ("IQ", 23),
    ("IS", 26),
    ("IT", 27),
    ("JO", 30),
    ("KW", 30),
    ("KZ", 20),
    ("LB", 28),
    ("LC", 32),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("LY", 25),
    ("MC", 27),
    ("MD", 24),
    ("ME", 22),
    ("MK", 19),
    ("MN", 20),
    ("MR", 27),
    ("MT", 31),
    ("MU", 30),
    ("NI", 28),
    ("NL", 18),
    ("NO", 15),
    ("OM", 23),
    ("PK", 24),
    ("PL", 28),
    ("PS", 29),
    ("PT", 25),
    ("QA", 29),
    ("RO", 24),
    ("RS", 22),
    ("RU", 33),
    ("SA", 24),
    ("SC", 31),
    ("SD", 18),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
    ("SM", 27),
    ("TN", 24),
    ("TR", 26),
    ("UA", 29),
    ("VA", 22),
    ("VG", 24),
    ("XK", 20),
];

/// Finds them, in one piece or in groups.
pub(super) fn find(text: &str, found: &mut Vec<(usize, usize)>) {
    let bytes = text.as_bytes();
    for start in 0..bytes.len().saturating_sub(14) {
        let head = &bytes[start..start + 4];
        let looks = head[..2].iter().all(u8::is_ascii_alphabetic) && head[2..].iter().all(u8::is_ascii_digit);
        // ASCII letters, so this is a boundary of characters.
        if !looks || !begins(text, start) {
            continue;
        }
        let country = text[start..start + 2].to_ascii_uppercase();
        let Some((_, length)) = LENGTHS.iter().find(|(code, _)| *code == country) else { continue };
        if let Some(end) = end(bytes, start, *length)
            && ends(text, end)
        {
            found.push((start, end));
        }
    }
}

/// Where a number of this length ends, if its checksum is right.
fn end(bytes: &[u8], start: usize, length: usize) -> Option<usize> {
    let mut characters = Vec::with_capacity(length);
    let mut at = start;
    while characters.len() < length {
        match bytes.get(at)? {
            byte if byte.is_ascii_alphanumeric() => characters.push(byte.to_ascii_uppercase()),
            b' ' | b'-' if bytes[at - 1].is_ascii_alphanumeric() => {}
            _ => return None,
        }
        at += 1;
    }
    characters.rotate_left(4);
    let mut rest = 0_u32;
    for character in characters {
        rest = match character {
            b'0'..=b'9' => rest * 10 + u32::from(character - b'0'),
            _ => rest * 100 + u32::from(character - b'A') + 10,
        } % 97;
    }
    (rest == 1).then_some(at)
}
