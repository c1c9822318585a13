//! Groups of digits that belong together, and the card numbers among them.

use super::{begins, ends};

/// A group of digits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Group {
    pub(super) fn len(self) -> usize {
        self.end - self.start
    }
}

/// What may stand between two groups of one number.
const BETWEEN: [&str; 15] =
    [" ", "\u{a0}", "-", ".", "/", "(", ")", " (", ") ", ")-", "-(", " - ", "\u{2011}", "\u{2013}", "\u{202f}"];
/// The same within a card number.
const WITHIN_CARD: [&str; 4] = [" ", "-", "\u{a0}", "\u{202f}"];

/// Runs of groups of digits, each with at most a separator between two.
pub(super) fn runs(text: &str) -> Vec<Vec<Group>> {
    let mut runs: Vec<Vec<Group>> = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find(|c: char| c.is_ascii_digit()).map(|offset| at + offset) {
        let rest = &text[start..];
        let end = rest.find(|c: char| !c.is_ascii_digit()).map_or(text.len(), |length| start + length);
        let group = Group { start, end };
        match runs.last_mut() {
            Some(run) if run.last().is_some_and(|last| BETWEEN.contains(&&text[last.end..start])) => run.push(group),
            _ => runs.push(vec![group]),
        }
        at = end;
    }
    runs
}

/// Finds card numbers: 13 to 19 digits in groups of at least three, a first digit that cards have, the checksum.
pub(super) fn find_cards(text: &str, found: &mut Vec<(usize, usize)>) {
    for run in runs(text) {
        for first in 0..run.len() {
            let mut digits = String::new();
            for (place, group) in run.iter().enumerate().skip(first) {
                let joined = place == first || WITHIN_CARD.contains(&&text[run[place - 1].end..group.start]);
                if !joined || group.len() < 3 || digits.len() + group.len() > 19 {
                    break;
                }
                digits.push_str(&text[group.start..group.end]);
                if is_card(&digits) && begins(text, run[first].start) && ends(text, group.end) {
                    found.push((run[first].start, group.end));
                }
            }
        }
    }
}

fn is_card(digits: &str) -> bool {
    let bytes = digits.as_bytes();
    let varied = bytes.iter().any(|digit| Some(digit) != bytes.first());
    bytes.len() >= 13 && matches!(bytes[0], b'2'..=b'6') && varied && luhn(bytes)
}

fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, u32::from(digit - b'0')) {
            (0, digit) => digit,
            (_, digit @ 0..=4) => digit * 2,
            (_, digit) => digit * 2 - 9,
        })
        .sum();
    sum.is_multiple_of(10)
}
