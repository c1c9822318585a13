//! Due dates: words such as "by Friday" or "in 3 days", resolved against the time of their message in UTC.

use super::Due;
use crate::text::{Kind, Token};

const DAY_MS: i64 = 86_400_000;

const WEEKDAYS: [[&str; 7]; 7] = [
    ["monday", "mon", "lunes", "lundi", "montag", "lunedì", "maandag"],
    ["tuesday", "tue", "martes", "mardi", "dienstag", "martedì", "dinsdag"],
    ["wednesday", "wed", "miércoles", "mercredi", "mittwoch", "mercoledì", "woensdag"],
    ["thursday", "thu", "jueves", "jeudi", "donnerstag", "giovedì", "donderdag"],
    ["friday", "fri", "viernes", "vendredi", "freitag", "venerdì", "vrijdag"],
    ["saturday", "sat", "sábado", "samedi", "samstag", "sabato", "zaterdag"],
    ["sunday", "sun", "domingo", "dimanche", "sonntag", "domenica", "zondag"],
];
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// The first date in a sentence, with its words.
pub(super) fn due(tokens: &[Token], text: &str, at_ms: i64) -> Option<Due> {
    let today = at_ms.div_euclid(DAY_MS);
    let lower: Vec<String> = tokens
        .iter()
        .map(|token| {
            if token.kind == Kind::Word || token.kind == Kind::Number {
                token.text(text).to_lowercase()
            } else {
                String::new()
            }
        })
        .collect();
    for at in 0..tokens.len() {
        let Some((day, length)) = date_at(&lower, at, today) else { continue };
        let first = opening(&lower, at);
        let words = &text[tokens[first].start as usize..tokens[at + length - 1].end as usize];
        return Some(Due { date: written(day)?, words: words.to_owned() });
    }
    None
}

/// Where the words begin: "by", "before", "on", "until" belong to them.
fn opening(lower: &[String], at: usize) -> usize {
    let before = at.checked_sub(1).map_or("", |before| &*lower[before]);
    if matches!(before, "by" | "before" | "on" | "until" | "till" | "due" | "bis" | "pour" | "para" | "entro" | "tegen")
    {
        at - 1
    } else {
        at
    }
}

/// Day number of the date that starts at this word, and its length in words.
fn date_at(lower: &[String], at: usize, today: i64) -> Option<(i64, usize)> {
    let word = |step: usize| lower.get(at + step).map_or("", |word| word);
    match word(0) {
        "today" | "tonight" | "eod" | "asap" | "hoy" | "heute" | "oggi" | "vandaag" | "hoje" => {
            return Some((today, 1));
        }
        "tomorrow" | "tmrw" | "mañana" | "demain" | "domani" | "amanhã" => return Some((today + 1, 1)),
        "end" if word(1) == "of" => return end_of(lower, at, today),
        "next" => match word(1) {
            "week" => return Some((today + 7, 2)),
            "month" => return month_later(today).map(|day| (day, 2)),
            name => {
                return weekday(name).map(|wanted| {
                    (
                        coming(today, wanted)
                            + if coming(today, wanted) - today < 7 - weekday_of(today) { 7 } else { 0 },
                        2,
                    )
                });
            }
        },
        "this" => return weekday(word(1)).map(|wanted| (coming(today, wanted), 2)),
        "in" | "within" => return span(lower, at, today),
        _ => {}
    }
    if let Some(day) = iso(word(0)).or_else(|| spread_iso(lower, at)) {
        return Some(day);
    }
    if let Some(wanted) = weekday(word(0)) {
        return Some((coming(today, wanted), 1));
    }
    month_day(lower, at, today)
}

fn end_of(lower: &[String], at: usize, today: i64) -> Option<(i64, usize)> {
    let word = |step: usize| lower.get(at + step).map_or("", |word| word);
    let skip = usize::from(matches!(word(2), "the" | "this"));
    match word(2 + skip) {
        "day" => Some((today, 3 + skip)),
        "week" => Some((coming(today, 4), 3 + skip)),
        "month" => {
            let (year, month, _) = civil(today);
            let (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
            Some((days(year, month, 1) - 1, 3 + skip))
        }
        _ => None,
    }
}

/// "in 3 days", "in two weeks".
fn span(lower: &[String], at: usize, today: i64) -> Option<(i64, usize)> {
    let number = match &**lower.get(at + 1)? {
        "a" | "one" => 1,
        "two" => 2,
        "three" => 3,
        "four" => 4,
        digits => digits.parse::<i64>().ok().filter(|number| (1..=366).contains(number))?,
    };
    match &**lower.get(at + 2)? {
        "day" | "days" => Some((today + number, 3)),
        "week" | "weeks" => Some((today + 7 * number, 3)),
        _ => None,
    }
}

/// "March 3", "3 March", "3rd of March": the next such day.
fn month_day(lower: &[String], at: usize, today: i64) -> Option<(i64, usize)> {
    let word = |step: usize| lower.get(at + step).map_or("", |word| word);
    let (month, number, length) = if let Some(month) = month(word(0)) {
        (month, ordinal(word(1))?, 2)
    } else if word(1) == "of" {
        (month(word(2))?, ordinal(word(0))?, 3)
    } else {
        (month(word(1))?, ordinal(word(0))?, 2)
    };
    let (year, ..) = civil(today);
    let this = checked(year, month, number)?;
    // A day long past is next year's.
    let day = if this < today - 31 { checked(year + 1, month, number)? } else { this };
    Some((day, length))
}

fn month(word: &str) -> Option<i64> {
    if word.len() < 3 {
        return None;
    }
    MONTHS
        .iter()
        .position(|month| *month == word || month.get(..3) == Some(word))
        .and_then(|at| i64::try_from(at + 1).ok())
}

fn ordinal(word: &str) -> Option<i64> {
    let digits = word.trim_end_matches(|sign: char| sign.is_ascii_alphabetic());
    if !matches!(&word[digits.len()..], "" | "st" | "nd" | "rd" | "th") {
        return None;
    }
    digits.parse().ok().filter(|number| (1..=31).contains(number))
}

/// "2026-03-05", as one word.
fn iso(word: &str) -> Option<(i64, usize)> {
    let mut parts = word.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    Some((checked(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)?, 1))
}

/// The same in five tokens: number, dash, number, dash, number.
fn spread_iso(lower: &[String], at: usize) -> Option<(i64, usize)> {
    let part = |step: usize| lower.get(at + step).filter(|word| !word.is_empty());
    let year = part(0).filter(|year| year.len() == 4)?;
    if part(1).is_some() || part(3).is_some() {
        return None;
    }
    Some((checked(year.parse().ok()?, part(2)?.parse().ok()?, part(4)?.parse().ok()?)?, 5))
}

fn checked(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let number = days(year, month, day);
    (civil(number) == (year, month, day)).then_some(number)
}

/// 0 for Monday.
fn weekday(word: &str) -> Option<i64> {
    let plain = word.strip_suffix("'s").unwrap_or(word);
    WEEKDAYS
        .iter()
        .position(|names| names.contains(&plain) && !matches!(plain, "sun" | "sat" | "wed" | "mon"))
        .and_then(|at| i64::try_from(at).ok())
}

fn weekday_of(day: i64) -> i64 {
    // 1970-01-01 was a Thursday.
    (day + 3).rem_euclid(7)
}

/// The next such weekday after today.
fn coming(today: i64, wanted: i64) -> i64 {
    today + (wanted - weekday_of(today) + 6).rem_euclid(7) + 1
}

fn month_later(today: i64) -> Option<i64> {
    let (year, month, day) = civil(today);
    let (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    (28..=day).rev().chain(std::iter::once(day.min(28))).find_map(|day| checked(year, month, day))
}

/// Days since 1970 of a date of the Gregorian calendar (Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The date of a day number: the inverse of `days`.
fn civil(day: i64) -> (i64, i64, i64) {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let part = (5 * of_year + 2) / 153;
    let month = if part < 10 { part + 3 } else { part - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, of_year - (153 * part + 2) / 5 + 1)
}

fn written(day: i64) -> Option<String> {
    let (year, month, day) = civil(day);
    (0..=9999).contains(&year).then(|| format!("{year:04}-{month:02}-{day:02}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Tokens;

    /// Wednesday, 4 March 2026, 12:00 UTC.
    const NOON: i64 = 1_772_625_600_000;

    fn read(text: &str) -> Option<(String, String)> {
        let tokens: Vec<Token> = Tokens::of(text).collect();
        due(&tokens, text, NOON).map(|due| (due.date, due.words))
    }

    #[test]
    fn dates_are_resolved_against_the_message() {
        for (text, date, words) in [
            ("send it by Friday please", "2026-03-06", "by Friday"),
            ("tomorrow works", "2026-03-05", "tomorrow"),
            ("on Wednesday then", "2026-03-11", "on Wednesday"),
            ("next Monday", "2026-03-09", "next Monday"),
            ("next Friday", "2026-03-13", "next Friday"),
            ("by the end of the month", "2026-03-31", "end of the month"),
            ("in 3 days", "2026-03-07", "in 3 days"),
            ("due March 15th", "2026-03-15", "due March 15th"),
            ("3 January", "2027-01-03", "3 January"),
            ("until 2026-04-01", "2026-04-01", "until 2026-04-01"),
            ("bis Freitag", "2026-03-06", "bis Freitag"),
        ] {
            assert_eq!(read(text), Some((date.to_owned(), words.to_owned())), "{text}");
        }
        assert_eq!(read("30 February, the 99th, in 0 days, I may go"), None);
    }
}
