//! The beginning of a WhatsApp line: date and time as the phone's language writes them.
//!
//! Android: `31/12/2020, 23:59 - `; iOS: `[31.12.20, 11:59:58 PM] `. Numbers may stand in other digits, the half of
//! the day before or behind the time, and invisible marks anywhere.

use jiff::civil::DateTime;

use crate::clock::DateOrder;
use crate::marks::{digit, is_blank, is_mark};

/// Characters that may stand between a date and its time, or behind a time.
const BETWEEN: usize = 16;

/// What stands before an author.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head<'l> {
    /// As they stand; their order is another question.
    pub(crate) date: [u32; 3],
    /// Whether the date is written with dots.
    pub(crate) dots: bool,
    /// Whether the clock has twelve hours.
    pub(crate) halves: bool,
    hour: u32,
    minute: u32,
    second: u32,
    /// Author and text.
    pub(crate) rest: &'l str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Half {
    Before,
    After,
}

/// Walks over a line, past invisible marks.
struct Cursor<'l> {
    rest: &'l str,
}

impl<'l> Cursor<'l> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn skip_marks(&mut self) {
        self.rest = self.rest.trim_start_matches(is_mark);
    }

    fn eat(&mut self, test: impl Fn(char) -> bool) -> Option<char> {
        self.skip_marks();
        let sign = self.peek().filter(|sign| test(*sign))?;
        self.rest = &self.rest[sign.len_utf8()..];
        self.skip_marks();
        Some(sign)
    }

    fn number(&mut self, most: usize) -> Option<u32> {
        let mut value = 0;
        let mut digits = 0;
        while digits <= most
            && let Some(next) = self.peek().and_then(digit)
        {
            value = value * 10 + next;
            digits += 1;
            self.eat(|_| true);
        }
        (1..=most).contains(&digits).then_some(value)
    }

    fn blanks(&mut self) {
        self.rest = self.rest.trim_start_matches(is_blank);
    }

    /// Up to where the test holds, if that is near.
    fn until(&mut self, test: impl Fn(char, &str) -> bool) -> Option<&'l str> {
        let (end, _) = self.rest.char_indices().take(BETWEEN).find(|(at, sign)| test(*sign, &self.rest[*at..]))?;
        let (before, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(before)
    }
}

/// Which half of the day a word names; `Err` where it is no such word.
fn half(words: &str) -> Result<Option<Half>, ()> {
    let plain: String = words.chars().filter(|sign| !is_blank(*sign) && !matches!(sign, '.' | ',' | '،')).collect();
    match plain.to_lowercase().as_str() {
        "" | "uhr" | "h" | "klo" | "um" | "à" | "at" | "kl" | "t" | "hrs" | "г" | "в" | "de" | "alle" | "ore"
        | "às" => Ok(None),
        "am" | "上午" | "오전" | "午前" | "ص" | "πμ" | "de." | "ก่อนเที่ยง" | "ق.ظ" | "قظ" => {
            Ok(Some(Half::Before))
        }
        "pm" | "下午" | "오후" | "午後" | "م" | "μμ" | "หลังเที่ยง" | "بظ" => {
            Ok(Some(Half::After))
        }
        _ => Err(()),
    }
}

impl<'l> Head<'l> {
    /// Reads the beginning of a line; `None` where it goes on with the message before.
    pub(crate) fn read(line: &'l str) -> Option<Self> {
        let mut at = Cursor { rest: line };
        let bracket = at.eat(|sign| sign == '[').is_some();
        at.skip_marks();
        let first = at.number(4)?;
        let mark = at.eat(|sign| matches!(sign, '/' | '.' | '-' | '年' | '년'))?;
        at.blanks();
        let second = at.number(2)?;
        at.eat(|sign| sign == mark || matches!(sign, '月' | '월'))?;
        at.blanks();
        let third = at.number(4)?;
        at.eat(|sign| matches!(sign, '日' | '일' | '.'));
        let between = at.until(|sign, _| digit(sign).is_some())?;
        let mut part = half(between).ok()?;
        let hour = at.number(2)?;
        at.eat(|sign| matches!(sign, ':' | '.'))?;
        let minute = at.number(2)?;
        let seconds = at.eat(|sign| matches!(sign, ':' | '.')).and_then(|_| at.number(2));
        let behind = if bracket {
            let behind = at.until(|sign, _| sign == ']')?;
            at.eat(|sign| sign == ']')?;
            behind
        } else {
            let behind = at.until(|_, rest| rest.starts_with("- ") || rest.starts_with("– "))?;
            at.eat(|_| true)?;
            behind
        };
        part = part.or(half(behind).ok()?);
        let hour = match part {
            Some(Half::Before) if hour == 12 => 0,
            Some(Half::After) if hour < 12 => hour + 12,
            _ => hour,
        };
        let rest = at.rest.strip_prefix(' ').unwrap_or(at.rest);
        let date = [first, second, third];
        (hour < 24 && minute < 60).then_some(Self {
            date,
            dots: mark == '.',
            halves: part.is_some(),
            hour,
            minute,
            second: seconds.unwrap_or(0).min(59),
            rest,
        })
    }

    /// The time, with the date read in this order.
    pub(crate) fn at(&self, order: DateOrder) -> Option<DateTime> {
        let [year, month, day] = order.arrange(self.date);
        let small = |number: u32| i8::try_from(number).ok();
        let date = jiff::civil::Date::new(i16::try_from(year).ok()?, small(month)?, small(day)?).ok()?;
        Some(date.at(small(self.hour)?, small(self.minute)?, small(self.second)?, 0))
    }
}

/// The order of the dates of these lines, and whether it had to be guessed.
pub(crate) fn order(heads: &[Head<'_>]) -> (DateOrder, bool) {
    use DateOrder::{DayMonthYear, MonthDayYear, YearMonthDay};
    let any = |test: &dyn Fn(&Head<'_>) -> bool| heads.iter().any(test);
    if any(&|head| head.date[0] > 31) {
        return (YearMonthDay, false);
    }
    let (first, second) = (any(&|head| head.date[0] > 12), any(&|head| head.date[1] > 12));
    if first != second {
        return (if first { DayMonthYear } else { MonthDayYear }, false);
    }
    // Messages stand in order of time.
    let rises = |order: DateOrder| {
        let times: Vec<_> = heads.iter().map(|head| head.at(order)).collect();
        times.iter().all(Option::is_some) && times.windows(2).all(|pair| pair[0] <= pair[1])
    };
    match (rises(DayMonthYear), rises(MonthDayYear)) {
        (true, false) => (DayMonthYear, false),
        (false, true) => (MonthDayYear, false),
        _ if any(&|head| head.halves && !head.dots) => (MonthDayYear, true),
        _ => (DayMonthYear, true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str, order: DateOrder) -> Option<(String, String)> {
        let head = Head::read(line)?;
        Some((head.at(order)?.to_string(), head.rest.to_owned()))
    }

    #[test]
    fn reads_the_dates_of_both_platforms() {
        use DateOrder::{DayMonthYear as D, MonthDayYear as M, YearMonthDay as Y};
        for (line, order, time) in [
            ("31/12/2020, 23:59 - A: x", D, "2020-12-31T23:59:00"),
            ("12/31/20, 11:59 PM - A: x", M, "2020-12-31T23:59:00"),
            ("12/31/20, 11:59\u{202f}PM - A: x", M, "2020-12-31T23:59:00"),
            ("1/2/20, 12:05 AM - A: x", M, "2020-01-02T00:05:00"),
            ("31.12.20, 23:59 - A: x", D, "2020-12-31T23:59:00"),
            ("31.12.20 23:59 - A: x", D, "2020-12-31T23:59:00"),
            ("31/12/20 23.59 - A: x", D, "2020-12-31T23:59:00"),
            ("31/12/20, 11:59 p. m. - A: x", D, "2020-12-31T23:59:00"),
            ("31/12/20 à 23:59 - A: x", D, "2020-12-31T23:59:00"),
            ("2020/12/31 下午11:59 - A: x", Y, "2020-12-31T23:59:00"),
            ("2020년 12월 31일 오후 11:59 - A: x", Y, "2020-12-31T23:59:00"),
            ("2020. 12. 31. 오후 11:59 - A: x", Y, "2020-12-31T23:59:00"),
            ("\u{200f}٣١\u{200f}/١٢\u{200f}/٢٠٢٠، ١١:٥٩ م - A: x", D, "2020-12-31T23:59:00"),
            ("[31.12.20, 23:59:58] A: x", D, "2020-12-31T23:59:58"),
            ("\u{200e}[12/31/20, 11:59:58\u{202f}PM] A: x", M, "2020-12-31T23:59:58"),
            ("[12.3.2022 klo 14.08.18] A: x", D, "2022-03-12T14:08:18"),
            ("[2020-12-31, 11:59:58 p.m.] A: x", Y, "2020-12-31T23:59:58"),
        ] {
            assert_eq!(read(line, order), Some((time.to_owned(), "A: x".to_owned())), "{line}");
        }
    }

    #[test]
    fn takes_no_text_for_a_date() {
        for line in [
            "",
            "hello",
            "[",
            "12/31/20",
            "12/31/20, 11:59",
            "12/31/20, 11:59 is when - we met",
            "1.5 - 2.5 liters",
            "99/99/9999999, 23:59 - A: x",
            "10:30 - later",
            "31/12/2020, 25:00 - A: x",
            "[1/2/20, 10:10:10 A: x",
            "\u{200e}\u{200e}",
        ] {
            assert_eq!(Head::read(line), None, "{line}");
        }
    }

    #[test]
    fn the_order_is_found_in_the_dates() {
        let of = |dates: &[&str]| {
            let lines: Vec<String> = dates.iter().map(|date| format!("{date}, 10:00 - A: x")).collect();
            order(&lines.iter().filter_map(|line| Head::read(line)).collect::<Vec<_>>())
        };
        assert_eq!(of(&["1/2/20", "13/2/20"]), (DateOrder::DayMonthYear, false));
        assert_eq!(of(&["1/2/20", "1/13/20"]), (DateOrder::MonthDayYear, false));
        assert_eq!(of(&["2020-01-02"]), (DateOrder::YearMonthDay, false));
        assert_eq!(of(&["1/2/20", "2/2/20", "1/3/20"]), (DateOrder::DayMonthYear, false));
        assert_eq!(of(&["2/1/20", "2/2/20", "3/1/20"]), (DateOrder::MonthDayYear, false));
        assert_eq!(of(&["1/2/20"]), (DateOrder::DayMonthYear, true));
        assert_eq!(order(&[]), (DateOrder::DayMonthYear, true));
    }
}
