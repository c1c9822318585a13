//! How long replies took. Law: every one counts; percentiles are exact.

use std::time::Duration;

/// Microseconds of each reply.
#[derive(Debug, Default)]
pub(crate) struct Latencies {
    micros: Vec<u32>,
    sorted: bool,
}

impl Latencies {
    pub(crate) fn add(&mut self, latency: Duration) {
        self.micros.push(u32::try_from(latency.as_micros()).unwrap_or(u32::MAX));
        self.sorted = false;
    }

    pub(crate) fn append(&mut self, mut other: Self) {
        self.micros.append(&mut other.micros);
        self.sorted = false;
    }

    pub(crate) fn count(&self) -> usize {
        self.micros.len()
    }

    /// In milliseconds: the smallest that this share of all (0 to 1) does not exceed. Zero if there are none.
    pub(crate) fn percentile(&mut self, share: f64) -> f64 {
        if !self.sorted {
            self.micros.sort_unstable();
            self.sorted = true;
        }
        let count = self.micros.len();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "held to 1 ..= count")]
        let rank = ((share * count as f64).ceil() as usize).clamp(1, count.max(1));
        self.micros.get(rank - 1).map_or(0.0, |micros| f64::from(*micros) / 1000.0)
    }

    /// `p50 0.12 ms, p99 0.80 ms, longest 2.10 ms`
    pub(crate) fn told(&mut self) -> String {
        let [p50, p99, longest] = [0.5, 0.99, 1.0].map(|share| self.percentile(share));
        format!("p50 {p50:.2} ms, p99 {p99:.2} ms, longest {longest:.2} ms")
    }
}

/// The middle of some values; of an even number the mean of the two in the middle. Zero if there are none.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_seen() {
        let mut latencies = Latencies::default();
        assert!(latencies.percentile(0.5).abs() < f64::EPSILON);
        for millis in (1..=100).rev() {
            latencies.add(Duration::from_millis(millis));
        }
        let seen = [0.0, 0.5, 0.99, 1.0].map(|share| latencies.percentile(share).to_string());
        assert_eq!(seen, ["1", "50", "99", "100"]);
        assert_eq!(latencies.count(), 100);
    }

    #[test]
    fn the_middle() {
        assert_eq!(
            [median(&[]), median(&[3.0, 1.0, 2.0]), median(&[4.0, 1.0])].map(|m| m.to_string()),
            ["0", "2", "2.5"]
        );
    }
}
