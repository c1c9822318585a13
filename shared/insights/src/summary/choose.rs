//! Greedy choice of sentences: the same pass with two worths.

use std::collections::HashSet;

use super::{Candidate, Material};

/// Words that telling adds to a sentence: the name and its verb.
const FRAME: usize = 2;
/// Words by which the last sentence may go over the budget.
const SLACK: usize = 6;
/// Sentences in a row that may be too long for what is left before the choice ends.
const MISSES: usize = 8;
/// Shorter sentences cover nothing.
const SHORTEST: usize = 5;
/// A sentence counts for no more words than are shown of it.
const SHOWN: usize = 30;

/// Indices of the best candidates by form and centrality up to a budget of words, in order. Terms
/// told already are worth 0.3 less.
pub(super) fn central(material: &Material<'_>, budget: usize, outcomes: &HashSet<u64>) -> Vec<usize> {
    let norm = material.weights.iter().map(|weight| weight.count * weight.count).sum::<f64>().sqrt().max(1e-9);
    let count = material.candidates.len().max(1) as f64;
    // Who opens says what it is about.
    let opening = material.candidates.first().map(|candidate| candidate.seq);
    let worth: Vec<f64> = material
        .candidates
        .iter()
        .enumerate()
        .map(|(at, candidate)| {
            let dot: f64 = candidate.terms.iter().map(|term| material.weights[*term].count).sum();
            let cosine = dot / norm / (candidate.terms.len().max(1) as f64).sqrt();
            let first = if Some(candidate.seq) == opening { 0.2 } else { 0.0 };
            let outcome = if outcomes.contains(&candidate.seq) { 0.12 } else { 0.0 };
            first + outcome + 0.3 * cosine + f64::from(candidate.form) / 1000.0 - 0.02 * at as f64 / count
        })
        .collect();
    let fresh = |at: usize, candidate: &Candidate, taken: &[bool]| {
        let known = candidate.terms.iter().filter(|term| taken[**term]).count();
        worth[at] * (1.0 - 0.3 * known as f64 / candidate.terms.len().max(1) as f64)
    };
    greedy(material, budget, 0, SLACK, fresh)
}

/// Indices of the candidates that together cover the most, up to a budget of words, in order. Terms
/// told already are worth 0.4 of their weight, and a longer sentence must cover more.
pub(crate) fn cover(material: &Material<'_>, budget: usize) -> Vec<usize> {
    let gain = |_: usize, candidate: &Candidate, taken: &[bool]| {
        let mut gain = 0.0;
        for term in &candidate.terms {
            gain += material.weights[*term].coverage * if taken[*term] { 0.4 } else { 1.0 };
        }
        gain * candidate.density
    };
    greedy(material, budget, SHORTEST, usize::MAX / 2, gain)
}

fn greedy(
    material: &Material<'_>,
    budget: usize,
    shortest: usize,
    slack: usize,
    worth: impl Fn(usize, &Candidate, &[bool]) -> f64,
) -> Vec<usize> {
    let mut taken = vec![false; material.weights.len()];
    let mut left: Vec<usize> =
        (0..material.candidates.len()).filter(|at| material.candidates[*at].words >= shortest).collect();
    let mut chosen: Vec<usize> = Vec::new();
    let (mut words, mut misses) = (0, 0);
    while words < budget && misses < MISSES {
        let mut best: Option<(f64, usize)> = None;
        for (place, at) in left.iter().enumerate() {
            let worth = worth(*at, &material.candidates[*at], &taken);
            // Of equals the earlier one; `left` is not in order once something was taken from it.
            if best.is_none_or(|(top, known)| worth > top || worth >= top && *at < left[known]) {
                best = Some((worth, place));
            }
        }
        let Some((_, place)) = best else { break };
        let at = left.swap_remove(place);
        let candidate = &material.candidates[at];
        let length = candidate.words.min(SHOWN) + FRAME;
        if words > 0 && words + length > budget.saturating_add(slack) + FRAME {
            misses += 1;
            continue;
        }
        words += length;
        for term in &candidate.terms {
            taken[*term] = true;
        }
        chosen.push(at);
    }
    chosen.sort_unstable();
    chosen
}
