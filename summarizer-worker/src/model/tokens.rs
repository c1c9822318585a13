//! Tokens counted before a call, by `OpenAI`'s own encoding (`o200k_base`). Other models count otherwise: what endpoints
//! report is compared with it, and the estimate follows.

use std::sync::atomic::{AtomicU64, Ordering};

use tiktoken_rs::CoreBPE;

/// Counted beside the texts of a question: roles and separators.
const FRAME: u64 = 12;

/// Counts tokens.
pub(crate) struct Tokens {
    encoding: CoreBPE,
    /// How many thousandths of the count an endpoint has reported at most; 1000 at first.
    factor: AtomicU64,
}

impl Tokens {
    /// Loads the encoding: some 100 ms and 30 MiB, once for each process that uses a model.
    pub(crate) fn new() -> Result<Self, String> {
        let encoding = tiktoken_rs::o200k_base().map_err(|error| error.to_string())?;
        Ok(Self { encoding, factor: AtomicU64::new(1_000) })
    }

    /// The tokens of a text.
    pub(crate) fn count(&self, text: &str) -> u64 {
        self.encoding.encode_ordinary(text).len() as u64
    }

    /// The tokens of a question made of these texts.
    pub(crate) fn question(&self, texts: &[&str]) -> u64 {
        texts.iter().map(|text| self.count(text)).sum::<u64>() + FRAME
    }

    /// A number of tokens that an endpoint will not pass, going by what it has reported so far.
    pub(crate) fn at_most(&self, counted: u64) -> u64 {
        counted.saturating_mul(self.factor.load(Ordering::Relaxed)).div_ceil(1_000)
    }

    /// Takes what an endpoint reported. Reports beyond four times the count are believed up to that.
    pub(crate) fn reported(&self, counted: u64, reported: u64) {
        let factor = reported.saturating_mul(1_000).div_ceil(counted.max(1)).min(4_000);
        self.factor.fetch_max(factor, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_estimate_follows_what_is_reported() {
        let tokens = Tokens::new().unwrap();
        assert_eq!(tokens.count("Hello, world!"), 4);
        assert_eq!(tokens.at_most(100), 100);
        tokens.reported(100, 131);
        tokens.reported(100, 90);
        assert_eq!(tokens.at_most(100), 131);
        tokens.reported(1, u64::MAX);
        assert_eq!(tokens.at_most(10), 40);
    }
}
