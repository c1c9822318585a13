//! How much a sentence looks like work for someone: a linear model over its words and pairs, fitted
//! by `scripts/fit.py`. The features here and there must stay the same.

use std::sync::LazyLock;

use crate::{
    lexicon::{HashedMap, fold_hash},
    summary::is_base_verb,
    text::{Kind, Token},
};

/// Marks of a feature that is not a word alone.
const OPENING: u64 = 0x9ae1_6a3b_2f90_404f;
const NUMBER: u64 = 0xc3a5_c85c_97cb_3127;

struct Model {
    bias: i32,
    weights: HashedMap<i32>,
    dates: Vec<u64>,
}

static MODEL: LazyLock<Model> = LazyLock::new(|| {
    let mut model =
        Model { bias: 0, weights: HashedMap::default(), dates: DATES.iter().map(|word| fold_hash(word)).collect() };
    for line in include_str!("../../data/actions.tsv").lines().filter(|line| !line.starts_with("# ")) {
        let Some((name, Ok(weight))) = line.rsplit_once('\t').map(|(name, weight)| (name, weight.parse())) else {
            continue;
        };
        if name.is_empty() {
            model.bias = weight;
        } else {
            model.weights.insert(key(name), weight);
        }
    }
    model
});

const DATES: [&str; 24] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "today",
    "tomorrow",
    "tonight",
    "week",
    "month",
    "asap",
    "january",
    "february",
    "march",
    "april",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

fn key(name: &str) -> u64 {
    let parts: Vec<u64> = name
        .split(' ')
        .map(|part| match part {
            "^" => OPENING,
            "#" => NUMBER,
            word => fold_hash(word),
        })
        .collect();
    parts.into_iter().reduce(pair).unwrap_or_default()
}

const fn pair(one: u64, other: u64) -> u64 {
    (one.rotate_left(23) ^ other).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Log odds in hundredths that the sentence asks for, proposes or takes on work.
pub(super) fn weight(tokens: &[Token], text: &str) -> i32 {
    let model = &*MODEL;
    let mut seen: Vec<u64> = Vec::with_capacity(tokens.len() * 2 + 4);
    let mut opening: [u64; 2] = [0; 2];
    let mut verb = false;
    let mut last = 0;
    let mut dated = false;
    let mut words = 0;
    for token in tokens {
        let hash = match token.kind {
            Kind::Word => token.hash,
            Kind::Number => NUMBER,
            Kind::Mark if token.mark == '?' => fold_hash("?"),
            _ => continue,
        };
        seen.push(hash);
        if last != 0 {
            seen.push(pair(last, hash));
        }
        last = hash;
        if token.kind == Kind::Mark {
            continue;
        }
        dated |= model.dates.contains(&hash);
        if words < 2 {
            opening[words] = hash;
            let please = words == 1 && opening[0] == fold_hash("please");
            if token.kind == Kind::Word && (words == 0 || please) {
                verb = is_base_verb(&token.text(text).to_ascii_lowercase());
            }
        }
        words += 1;
    }
    if words > 0 {
        seen.push(pair(OPENING, opening[0]));
        seen.push(if words > 1 { pair(pair(OPENING, opening[0]), opening[1]) } else { 0 });
    }
    if verb {
        seen.push(pair(OPENING, fold_hash("VERB")));
    }
    if dated {
        seen.push(fold_hash("DATE"));
    }
    seen.sort_unstable();
    seen.dedup();
    model.bias + seen.iter().filter_map(|feature| model.weights.get(feature)).sum::<i32>()
}
