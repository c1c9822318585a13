//! Phone numbers. Rather none than a date, a price or a serial number.

use super::number::{Group, runs};
use super::{begins, ends};

/// Finds them: `+` and 7 to 15 digits, or groups that only phone numbers have.
pub(super) fn find(text: &str, found: &mut Vec<(usize, usize)>) {
    for run in runs(text) {
        for first in 0..run.len() {
            let mut total = 0;
            for (place, group) in run.iter().enumerate().skip(first) {
                total += group.len();
                if total > 15 {
                    break;
                }
                let groups = &run[first..=place];
                if let Some(start) = is_phone(text, groups, total)
                    && begins(text, start)
                    && ends(text, group.end)
                {
                    found.push((start, group.end));
                }
            }
        }
    }
}

/// Where the number begins, if these groups are one.
fn is_phone(text: &str, groups: &[Group], total: usize) -> Option<usize> {
    let start = groups.first()?.start;
    let digits = |at: usize| &text[groups[at].start..groups[at].end];
    // A single digit behind a number ("3 times") is not part of it; the zero in "+44 (0)20" is.
    let has_stray = groups.iter().skip(1).any(|group| group.len() < 2 && !text[..group.start].ends_with('('));
    if let Some(before) = text[..start].strip_suffix('+') {
        return ((7..=15).contains(&total) && !has_stray).then_some(before.len());
    }
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    let american = match lengths[..] {
        [3, 3, 4] => digits(0) >= "200",
        [1, 3, 3, 4] => digits(0) == "1" && digits(1) >= "200",
        _ => false,
    };
    let pairs = lengths == [2; 5] && digits(0).starts_with('0') && digits(0) != "00";
    let trunk = digits(0).starts_with('0') && (9..=14).contains(&total) && !has_stray;
    let national = trunk && (lengths.len() == 1 && total >= 10 || lengths.len() > 1 && lengths[0] >= 3);
    let opened = text[..start].strip_suffix('(').map_or(start, str::len);
    (american || pairs || national).then_some(opened)
}
