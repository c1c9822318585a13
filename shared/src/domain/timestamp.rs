//! Points in time as the wire has them. Law: UTC, milliseconds, years 1 to 9999.

use std::fmt;

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(i64);

/// A text is no timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be an RFC 3339 date and time such as 2023-01-01T12:00:00Z (without a zone: UTC)")]
pub struct TimestampError;

/// 0001-01-01T00:00:00Z
const MIN_MS: i64 = -62_135_596_800_000;
/// 9999-12-31T23:59:59.999Z
const MAX_MS: i64 = 253_402_300_799_999;

impl Timestamp {
    /// The earliest that can be written.
    pub const MIN: Self = Self(MIN_MS);
    /// The latest that can be written.
    pub const MAX: Self = Self(MAX_MS);

    /// From milliseconds since 1970, held to years 1 to 9999.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        if millis < MIN_MS {
            return Self::MIN;
        }
        if millis > MAX_MS {
            return Self::MAX;
        }
        Self(millis)
    }

    /// Milliseconds since 1970, negative before.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// This much later, held to the range.
    #[must_use]
    pub fn plus(self, duration: std::time::Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self::from_millis(self.0.saturating_add(millis))
    }

    /// How long from `earlier` to this; zero if it is not earlier.
    #[must_use]
    pub fn since(self, earlier: Self) -> std::time::Duration {
        std::time::Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Reads RFC 3339 with any offset, or the same without a zone (then UTC); `T` or a space; any
    /// fraction, cut to milliseconds; a leap second counts as the 59th.
    pub fn parse(text: &str) -> Result<Self, TimestampError> {
        let bytes = text.as_bytes();
        if bytes.len() < 19 || !matches!(bytes[10], b'T' | b't' | b' ') {
            return Err(TimestampError);
        }
        if bytes[13] != b':' || bytes[16] != b':' {
            return Err(TimestampError);
        }
        let date = date(bytes)?;
        let second = number(&bytes[17..19])?;
        let second = if second == 60 { 59 } else { second };
        let time = jiff::civil::Time::new(number(&bytes[11..13])?, number(&bytes[14..16])?, second, 0)
            .map_err(|_| TimestampError)?;
        let (millis, zone) = fraction(&bytes[19..])?;
        let seconds = utc_seconds(date.to_datetime(time)) - offset_seconds(zone)?;
        let total = seconds * 1000 + millis;
        if !(MIN_MS..=MAX_MS).contains(&total) {
            return Err(TimestampError);
        }
        Ok(Self(total))
    }
}

fn number(digits: &[u8]) -> Result<i8, TimestampError> {
    match digits {
        [a @ b'0'..=b'9', b @ b'0'..=b'9'] => i8::try_from((a - b'0') * 10 + (b - b'0')).map_err(|_| TimestampError),
        _ => Err(TimestampError),
    }
}

fn date(bytes: &[u8]) -> Result<Date, TimestampError> {
    if bytes.len() < 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return Err(TimestampError);
    }
    let year = i16::from(number(&bytes[0..2])?) * 100 + i16::from(number(&bytes[2..4])?);
    if year == 0 {
        return Err(TimestampError);
    }
    Date::new(year, number(&bytes[5..7])?, number(&bytes[8..10])?).map_err(|_| TimestampError)
}

/// Where Unix time begins. Civil times are used throughout, since jiff's own timestamps end a day before year 10000.
const EPOCH: DateTime = jiff::civil::datetime(1970, 1, 1, 0, 0, 0, 0);

fn utc_seconds(at: DateTime) -> i64 {
    at.duration_since(EPOCH).as_secs()
}

fn fraction(rest: &[u8]) -> Result<(i64, &[u8]), TimestampError> {
    let Some(digits) = rest.strip_prefix(b".") else {
        return Ok((0, rest));
    };
    let count = digits.iter().take_while(|b| b.is_ascii_digit()).count();
    if count == 0 {
        return Err(TimestampError);
    }
    let mut millis = 0;
    for digit in digits[..count].iter().chain(b"00").take(3) {
        millis = millis * 10 + i64::from(digit - b'0');
    }
    Ok((millis, &digits[count..]))
}

fn offset_seconds(zone: &[u8]) -> Result<i64, TimestampError> {
    match zone {
        [] | [b'Z' | b'z'] => Ok(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (number(&[*h1, *h2])?, number(&[*m1, *m2])?);
            if hours > 23 || minutes > 59 {
                return Err(TimestampError);
            }
            let seconds = i64::from(hours) * 3600 + i64::from(minutes) * 60;
            Ok(if *sign == b'-' { -seconds } else { seconds })
        }
        _ => Err(TimestampError),
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with `Z`; a fraction only when it is not zero.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let civil = EPOCH.checked_add(SignedDuration::from_millis(self.0)).unwrap_or(DateTime::MAX);
        write!(f, "{civil}Z")
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

/// One end of a date filter: a moment, or a whole day of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateBound {
    /// From midnight to midnight, given by its first moment.
    Day(Timestamp),
    /// Exactly then.
    Moment(Timestamp),
}

impl DateBound {
    /// Reads `2023-01-31` or what [`Timestamp::parse`] reads.
    pub fn parse(text: &str) -> Result<Self, TimestampError> {
        if text.len() != 10 {
            return Timestamp::parse(text).map(Self::Moment);
        }
        let midnight = date(text.as_bytes())?.to_datetime(jiff::civil::Time::midnight());
        Ok(Self::Day(Timestamp(utc_seconds(midnight) * 1000)))
    }

    /// The first moment of it.
    #[must_use]
    pub fn start(self) -> Timestamp {
        match self {
            Self::Day(at) | Self::Moment(at) => at,
        }
    }

    /// The last moment of it: a plain date includes its day.
    #[must_use]
    pub fn end(self) -> Timestamp {
        match self {
            Self::Day(at) => Timestamp::from_millis(at.0 + 86_399_999),
            Self::Moment(at) => at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_contract_names() {
        for (text, shown) in [
            ("2023-01-01T12:00:00", "2023-01-01T12:00:00Z"),
            ("2023-01-01 12:00:00", "2023-01-01T12:00:00Z"),
            ("2023-01-01t12:00:00z", "2023-01-01T12:00:00Z"),
            ("2023-01-01T12:00:00+02:00", "2023-01-01T10:00:00Z"),
            ("2023-01-01T12:00:00.5-00:30", "2023-01-01T12:30:00.5Z"),
            ("2023-01-01T12:00:00.123456789Z", "2023-01-01T12:00:00.123Z"),
            ("2024-02-29T23:59:60Z", "2024-02-29T23:59:59Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
            ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(Timestamp::parse(text).map(|t| t.to_string()), Ok(shown.to_owned()), "{text}");
        }
    }

    #[test]
    fn refuses_everything_else() {
        for text in [
            "",
            "2023",
            "2023-01-01",
            "2023-01-01T12:00",
            "2023-02-30T00:00:00Z",
            "0000-01-01T00:00:00Z",
            "10000-01-01T00:00:00Z",
            "2023-01-01T24:00:00Z",
            "2023-01-01T12:60:00Z",
            "2023-01-01T12:00:61Z",
            "2023-01-01T12:00:00.Z",
            "2023-01-01T12:00:00+2:00",
            "2023-01-01T12:00:00+24:00",
            "2023-01-01T12:00:00 Z",
            "2023-01-01T12:00:00Zx",
            "0001-01-01T00:00:00+01:00",
            "9999-12-31T23:59:59-01:00",
            "2023-01-01X12:00:00",
            "２０23-01-01T12:00:00",
            "+2023-01-01T12:00:00",
        ] {
            assert_eq!(Timestamp::parse(text), Err(TimestampError), "{text}");
        }
    }

    #[test]
    fn a_plain_date_is_the_whole_day() {
        let day = DateBound::parse("2023-01-31").unwrap();
        assert_eq!(day.start().to_string(), "2023-01-31T00:00:00Z");
        assert_eq!(day.end().to_string(), "2023-01-31T23:59:59.999Z");
        assert!(DateBound::parse("2023-02-30").is_err());
    }
}
