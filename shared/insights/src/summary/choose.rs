//! Greedy choice of sentences.

use std::collections::HashSet;

use super::{Material, material::Weighed};
use crate::param::param;

/// Indices of the best candidates by form and centrality up to a budget of words, in order.
pub(crate) fn central(material: &Material<'_>, budget: usize) -> Vec<usize> {
    let norm = material.terms.values().map(|term| weight(*term).powi(2)).sum::<f64>().sqrt().max(1e-9);
    let count = material.candidates.len();
    let mut scores: Vec<f64> = Vec::with_capacity(count);
    for (at, candidate) in material.candidates.iter().enumerate() {
        let mut dot = 0.0;
        for term in &candidate.terms {
            let known = material.terms.get(term).copied().unwrap_or(Weighed::LOST);
            dot += weight(known);
        }
        let cosine = dot / norm / (candidate.terms.len().max(1) as f64).sqrt();
        scores.push(
            param("COS", 0.3) * cosine + f64::from(candidate.form) / 1000.0
                - param("POS", 0.02) * at as f64 / count as f64,
        );
    }
    greedy(material, budget, &mut scores, |score, share| score * (1.0 - param("RED", 0.3) * share))
}

/// Indices of the candidates that together cover the most, up to a budget of words, in order.
pub(crate) fn cover(material: &Material<'_>, budget: usize) -> Vec<usize> {
    let mut taken: HashSet<u64> = HashSet::new();
    let mut left: Vec<usize> = (0..material.candidates.len())
        .filter(|at| material.candidates[*at].words >= param("CMIN", 5.0) as usize)
        .collect();
    let mut chosen = Vec::new();
    let mut words = 0;
    while words < budget && !left.is_empty() {
        let mut best = (f64::MIN, 0);
        for (place, at) in left.iter().enumerate() {
            let candidate = &material.candidates[*at];
            let mut gain = 0.0;
            for term in &candidate.terms {
                let known = material.terms.get(term).copied().unwrap_or(Weighed::LOST);
                gain += coverage(known) * if taken.contains(term) { param("CRED", 0.5) } else { 1.0 };
            }
            gain *= if candidate.clause { 1.0 } else { param("NOCL", 0.6) };
            gain /= (candidate.words.max(1) as f64).powf(param("CEXP", 0.5));
            if gain > best.0 {
                best = (gain, place);
            }
        }
        let at = left.swap_remove(best.1);
        let candidate = &material.candidates[at];
        words += candidate.words.min(30) + 2;
        taken.extend(&candidate.terms);
        chosen.push(at);
    }
    chosen.sort_unstable();
    chosen
}

fn weight(term: Weighed) -> f64 {
    f64::from(term.count).powf(param("TFEXP", 1.0)) * (f64::from(term.rarity) / 40.0).powf(param("IDFEXP", 0.0))
}

pub(super) fn coverage(term: Weighed) -> f64 {
    if !term.content {
        return 0.0;
    }
    f64::from(term.count).powf(param("CTF", 1.0)) * (f64::from(term.rarity) - param("OFF", 0.0)).max(0.0) / 40.0
}

fn greedy(
    material: &Material<'_>,
    budget: usize,
    scores: &mut [f64],
    discount: impl Fn(f64, f64) -> f64,
) -> Vec<usize> {
    let mut taken: HashSet<u64> = HashSet::new();
    let mut chosen: Vec<usize> = Vec::new();
    let mut words = 0;
    while words < budget {
        let mut best: Option<(f64, usize)> = None;
        for (at, candidate) in material.candidates.iter().enumerate() {
            if scores[at] == f64::MIN {
                continue;
            }
            let known = candidate.terms.iter().filter(|term| taken.contains(term)).count();
            let share = known as f64 / candidate.terms.len().max(1) as f64;
            let score = discount(scores[at], share);
            if best.is_none_or(|(top, _)| score > top) {
                best = Some((score, at));
            }
        }
        let Some((_, at)) = best else { break };
        scores[at] = f64::MIN;
        let candidate = &material.candidates[at];
        if words > 0 && words + candidate.words > budget + param("SLACK", 6.0) as usize {
            continue;
        }
        words += candidate.words + param("FRAME", 2.0) as usize;
        taken.extend(&candidate.terms);
        chosen.push(at);
    }
    chosen.sort_unstable();
    chosen
}
