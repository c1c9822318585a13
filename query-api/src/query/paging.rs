//! Page numbers → offsets. Law: no page number, however large, overflows; a page beyond the end is empty.

/// A numbered page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paging {
    /// From 1.
    pub page: u64,
    /// How many items a page holds; at least 1.
    pub limit: u64,
}

/// Stores count in signed 64 bits.
const MAX_OFFSET: u64 = i64::MAX as u64;

impl Paging {
    /// How many items lie before the page.
    #[must_use]
    pub fn offset(self) -> u64 {
        self.page.saturating_sub(1).saturating_mul(self.limit).min(MAX_OFFSET)
    }

    /// The limit as a length.
    #[must_use]
    pub fn size(self) -> usize {
        usize::try_from(self.limit).unwrap_or(usize::MAX)
    }

    /// How many pages `total` items fill.
    #[must_use]
    pub fn pages(self, total: u64) -> u64 {
        total.div_ceil(self.limit.max(1))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_largest_page_lies_behind_everything() {
        assert_eq!(Paging { page: u64::MAX, limit: 500 }.offset(), MAX_OFFSET);
        assert_eq!(Paging { page: 1, limit: 500 }.offset(), 0);
    }

    proptest! {
        #[test]
        fn pages_cut_everything_once(total in 0u64..5000, limit in 1u64..600) {
            let pages = Paging { page: 1, limit }.pages(total);
            let mut seen = 0;
            for page in 1..=pages {
                let offset = Paging { page, limit }.offset();
                prop_assert_eq!(offset, seen);
                seen = total.min(offset + limit);
            }
            prop_assert_eq!(seen, total);
            let beyond = Paging { page: pages + 1, limit };
            prop_assert!(beyond.offset() >= total);
        }
    }
}
