//! Gathers what is wrong with a request, so that a client hears of all of it at once.

use shared::domain::{ConversationId, DateBound, Timestamp};
use shared_service::{ApiError, ApiResult, FieldError};

use crate::query::SummaryType;

/// What is wrong with a request so far.
#[derive(Debug, Default)]
pub struct Faults(Vec<FieldError>);

/// A range of time, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TimeRange {
    /// Its first moment.
    pub from: Option<Timestamp>,
    /// Its last moment.
    pub to: Option<Timestamp>,
}

impl Faults {
    /// Notes a fault.
    pub fn add(&mut self, path: &str, error: impl Into<String>) {
        self.0.push(FieldError { path: path.to_owned(), error: error.into() });
    }

    /// All of them.
    #[must_use]
    pub fn into_fields(self) -> Vec<FieldError> {
        self.0
    }

    /// An error if there was any fault.
    pub fn check(self) -> ApiResult<()> {
        if self.0.is_empty() { Ok(()) } else { Err(ApiError::invalid(self.0)) }
    }

    /// A whole number within bounds, or `default` where none was given.
    pub fn number(&mut self, path: &str, text: Option<&str>, bounds: (u64, u64), default: u64) -> u64 {
        let Some(text) = text else { return default };
        // Digits only: `parse` alone would take a plus sign.
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        match text.parse::<u64>() {
            Ok(number) if digits && (bounds.0..=bounds.1).contains(&number) => number,
            _ if bounds.1 == u64::MAX => {
                self.add(path, format!("must be a whole number from {}", bounds.0));
                default
            }
            _ => {
                self.add(path, format!("must be a whole number from {} to {}", bounds.0, bounds.1));
                default
            }
        }
    }

    /// The first and last moment between two bounds; the first must not lie after the last.
    pub fn range(&mut self, from: (&str, Option<&str>), to: (&str, Option<&str>)) -> TimeRange {
        let range = TimeRange {
            from: self.bound(from.0, from.1).map(DateBound::start),
            to: self.bound(to.0, to.1).map(DateBound::end),
        };
        if let (Some(first), Some(last)) = (range.from, range.to)
            && first > last
        {
            self.add(from.0, format!("must not lie after {}", to.0));
        }
        range
    }

    fn bound(&mut self, path: &str, text: Option<&str>) -> Option<DateBound> {
        let bound = DateBound::parse(text?);
        if bound.is_err() {
            self.add(path, "must be a date (2023-01-31) or an RFC 3339 date and time (2023-01-31T12:00:00Z)");
        }
        bound.ok()
    }

    /// A conversation's id.
    pub fn conversation(&mut self, path: &str, text: &str) -> Option<ConversationId> {
        match ConversationId::parse(text) {
            Ok(id) => Some(id),
            Err(error) => {
                self.add(path, error.to_string());
                None
            }
        }
    }

    /// `brief` or `detailed`; brief where none was given.
    pub fn summary_type(&mut self, path: &str, text: Option<&str>) -> SummaryType {
        match text {
            None | Some("brief") => SummaryType::Brief,
            Some("detailed") => SummaryType::Detailed,
            Some(_) => {
                self.add(path, "must be \"brief\" or \"detailed\"");
                SummaryType::Brief
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_digits_within_bounds() {
        let mut faults = Faults::default();
        assert_eq!(faults.number("limit", None, (1, 500), 50), 50);
        assert_eq!(faults.number("limit", Some("007"), (1, 500), 50), 7);
        assert_eq!(faults.number("page", Some("18446744073709551615"), (1, u64::MAX), 1), u64::MAX);
        assert!(faults.0.is_empty());
        for bad in ["0", "501", "-1", "+5", "", " 5", "5.0", "1e3", "５", "99999999999999999999999"] {
            let mut faults = Faults::default();
            faults.number("limit", Some(bad), (1, 500), 50);
            assert_eq!(faults.0.len(), 1, "{bad}");
        }
    }

    #[test]
    fn a_range_must_not_be_turned_round_but_may_be_one_moment() {
        let mut faults = Faults::default();
        let day = faults.range(("since", Some("2023-01-01")), ("until", Some("2023-01-01")));
        assert!(day.from < day.to);
        faults.range(("since", Some("2023-01-01T00:00:00Z")), ("until", Some("2023-01-01T00:00:00Z")));
        assert!(faults.0.is_empty());
        faults.range(("since", Some("2023-01-02")), ("until", Some("2023-01-01")));
        assert_eq!(faults.0.len(), 1);
        faults.range(("since", Some("2023-02-30")), ("until", Some("soon")));
        assert_eq!(faults.0.len(), 3);
    }
}
