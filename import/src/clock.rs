//! Local times of exports, and the order of day and month in their dates.

use std::str::FromStr;

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use shared::domain::Timestamp;
use thiserror::Error;

/// Where the clock stood that an export tells times of.
#[derive(Debug, Clone)]
pub struct Zone(TimeZone);

/// A text that names no zone.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("must be an offset such as +02:00, or a zone that this system knows, such as Europe/Berlin")]
pub struct ZoneError;

impl Default for Zone {
    fn default() -> Self {
        Self(TimeZone::UTC)
    }
}

impl FromStr for Zone {
    type Err = ZoneError;

    fn from_str(text: &str) -> Result<Self, ZoneError> {
        if let Some(sign) = match text.as_bytes().first() {
            Some(b'+') => Some(1),
            Some(b'-') => Some(-1),
            _ => None,
        } {
            let (hours, minutes) = text[1..].split_once(':').unwrap_or((&text[1..], "0"));
            let number = |part: &str| part.parse::<i32>().ok().filter(|_| part.bytes().all(|b| b.is_ascii_digit()));
            let (hours, minutes) = number(hours).zip(number(minutes)).ok_or(ZoneError)?;
            if hours > 18 || minutes > 59 {
                return Err(ZoneError);
            }
            let offset = Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).map_err(|_| ZoneError)?;
            return Ok(Self(TimeZone::fixed(offset)));
        }
        if matches!(text, "UTC" | "utc" | "Z") {
            return Ok(Self::default());
        }
        TimeZone::get(text).map(Self).map_err(|_| ZoneError)
    }
}

impl Zone {
    /// The moment at which the clock showed this; of two the first, and after a gap as long as it was.
    pub(crate) fn moment(&self, at: DateTime) -> Option<Timestamp> {
        let moment = self.0.to_ambiguous_timestamp(at).compatible().ok()?;
        Some(Timestamp::from_millis(moment.as_millisecond()))
    }

    /// Reads RFC 3339; without a zone, or with a time up to the minute only, by this clock.
    pub(crate) fn parse(&self, text: &str) -> Option<Timestamp> {
        let text = text.trim();
        let (date, time) = (text.get(..10)?, text.get(11..)?);
        if text.as_bytes().get(10).is_some_and(|byte| !matches!(byte, b'T' | b't' | b' ')) {
            return None;
        }
        let zoned = time.contains(['Z', 'z', '+']) || time.contains('-');
        if zoned {
            return Timestamp::parse(text).ok();
        }
        let time = if time.len() == 5 { format!("{time}:00") } else { time.to_owned() };
        let utc = Timestamp::parse(&format!("{date}T{time}")).ok()?;
        let civil = jiff::Timestamp::from_millisecond(utc.as_millis()).ok()?.to_zoned(TimeZone::UTC).datetime();
        self.moment(civil)
    }
}

/// Which part of a date stands where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DateOrder {
    /// 31/12/2020
    DayMonthYear,
    /// 12/31/2020
    MonthDayYear,
    /// 2020/12/31
    YearMonthDay,
}

impl DateOrder {
    /// Year, month and day of three numbers.
    pub(crate) fn arrange(self, [a, b, c]: [u32; 3]) -> [u32; 3] {
        let [year, month, day] = match self {
            Self::DayMonthYear => [c, b, a],
            Self::MonthDayYear => [c, a, b],
            Self::YearMonthDay => [a, b, c],
        };
        [if year < 100 { year + 2000 } else { year }, month, day]
    }
}

impl FromStr for DateOrder {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text {
            "dmy" => Ok(Self::DayMonthYear),
            "mdy" => Ok(Self::MonthDayYear),
            "ymd" => Ok(Self::YearMonthDay),
            _ => Err("must be dmy, mdy or ymd"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_times_by_the_clock_of_the_zone() {
        let shown = |zone: &str, text: &str| zone.parse::<Zone>().unwrap().parse(text).map(|at| at.to_string());
        assert_eq!(shown("UTC", "2024-01-31 12:00").as_deref(), Some("2024-01-31T12:00:00Z"));
        assert_eq!(shown("+02:00", "2024-01-31T12:00:00.5").as_deref(), Some("2024-01-31T10:00:00.5Z"));
        assert_eq!(shown("-05:30", "2024-01-31 12:00:00").as_deref(), Some("2024-01-31T17:30:00Z"));
        assert_eq!(shown("+02:00", "2024-01-31T12:00:00Z").as_deref(), Some("2024-01-31T12:00:00Z"));
        for wrong in ["", "12:00", "2024-13-01 00:00", "2024-01-31", "2024-01-31Xéé"] {
            assert_eq!(Zone::default().parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn zones_are_offsets_or_names() {
        for wrong in ["", "+", "+99:00", "+1:99", "Nowhere/City", "+é"] {
            assert!(wrong.parse::<Zone>().is_err(), "{wrong}");
        }
    }
}
