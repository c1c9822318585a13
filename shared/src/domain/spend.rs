//! What models cost a tenant in a day, and how much they may. Law: whole numbers only, so that sums are exact.

use std::fmt;
use std::ops::{Add, AddAssign};

use serde::{Deserialize, Serialize};

use super::Timestamp;

const DAY_MS: i64 = 86_400_000;

/// A day of UTC, counted from 1 January 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UtcDay(pub i64);

impl UtcDay {
    /// The day that a moment lies in.
    #[must_use]
    pub fn of(at: Timestamp) -> Self {
        Self(at.as_millis().div_euclid(DAY_MS))
    }

    /// Its first moment.
    #[must_use]
    pub fn start(self) -> Timestamp {
        Timestamp::from_millis(self.0.saturating_mul(DAY_MS))
    }
}

impl fmt::Display for UtcDay {
    /// As `2026-03-04`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = self.start().to_string();
        f.write_str(moment.split('T').next().unwrap_or(&moment))
    }
}

/// Tokens and money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Spend {
    /// Tokens sent to models and written by them.
    pub tokens: u64,
    /// Millionths of the currency of the price table.
    pub micros: u64,
}

impl Spend {
    /// Nothing.
    pub const ZERO: Self = Self { tokens: 0, micros: 0 };
}

impl Add for Spend {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { tokens: self.tokens.saturating_add(other.tokens), micros: self.micros.saturating_add(other.micros) }
    }
}

impl AddAssign for Spend {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// The most that a tenant may spend in a day; `None` is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SpendCap {
    /// Of tokens.
    pub tokens: Option<u64>,
    /// Of millionths of the currency.
    pub micros: Option<u64>,
}

impl SpendCap {
    /// Whether so much lies within it.
    #[must_use]
    pub fn holds(&self, spend: Spend) -> bool {
        self.tokens.is_none_or(|cap| spend.tokens <= cap) && self.micros.is_none_or(|cap| spend.micros <= cap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_utc() {
        let at = |text| UtcDay::of(Timestamp::parse(text).unwrap());
        assert_eq!(at("1969-12-31T23:59:59.999Z"), UtcDay(-1));
        assert_eq!(at("2026-03-04T23:59:59Z").to_string(), "2026-03-04");
        assert_eq!(at("2026-03-05T00:30:00+01:00"), at("2026-03-04T00:00:00Z"));
        assert_eq!(at("2026-03-04T12:00:00Z").start().to_string(), "2026-03-04T00:00:00Z");
    }

    #[test]
    fn a_cap_holds_what_meets_it_exactly() {
        let cap = SpendCap { tokens: Some(10), micros: None };
        assert!(cap.holds(Spend { tokens: 10, micros: u64::MAX }));
        assert!(!cap.holds(Spend { tokens: 11, micros: 0 }));
        assert!(SpendCap::default().holds(Spend { tokens: u64::MAX, micros: u64::MAX }));
    }
}
