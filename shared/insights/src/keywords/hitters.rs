//! The commonest words of a stream in bounded space: space-saving
//! (Metwally, Agrawal & El Abbadi, 2005), counts weighted by rarity.

use serde::{Deserialize, Serialize};

use crate::lexicon::fold_hash;

/// Words followed at a time.
const FOLLOWED: usize = 48;
/// Bytes of a word that is kept.
const LONGEST: usize = 24;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Followed {
    #[serde(rename = "w")]
    word: String,
    /// Weighted count, in units of rarity.
    #[serde(rename = "n")]
    count: u64,
    /// Times seen since it came in.
    #[serde(rename = "t")]
    times: u64,
}

/// The commonest words so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Followed>", into = "Vec<Followed>")]
pub(crate) struct Hitters {
    /// Beside `words`, so that a look-up compares numbers only.
    hashes: Vec<u64>,
    words: Vec<Followed>,
}

impl From<Vec<Followed>> for Hitters {
    fn from(mut words: Vec<Followed>) -> Self {
        words.truncate(FOLLOWED);
        Self { hashes: words.iter().map(|followed| fold_hash(&followed.word)).collect(), words }
    }
}

impl From<Hitters> for Vec<Followed> {
    fn from(hitters: Hitters) -> Self {
        hitters.words
    }
}

impl Hitters {
    /// Counts a word with this hash of its lowercase form.
    pub(crate) fn add(&mut self, word: &str, hash: u64, rarity: u8) {
        if word.len() > LONGEST {
            return;
        }
        let weight = u64::from(rarity);
        if let Some(at) = self.hashes.iter().position(|known| *known == hash) {
            self.words[at].count += weight;
            self.words[at].times += 1;
            return;
        }
        if self.words.len() < FOLLOWED {
            self.hashes.push(hash);
            self.words.push(Followed { word: word.to_lowercase(), count: weight, times: 1 });
            return;
        }
        let mut least = 0;
        for (at, followed) in self.words.iter().enumerate() {
            if followed.count < self.words[least].count {
                least = at;
            }
        }
        let followed = &mut self.words[least];
        followed.word.clear();
        followed.word.extend(word.chars().flat_map(char::to_lowercase));
        followed.count += weight;
        followed.times = 1;
        self.hashes[least] = hash;
    }

    /// The `n` heaviest words, best first; ties by the alphabet.
    pub(crate) fn best(&self, n: usize) -> Vec<String> {
        let mut ranked: Vec<&Followed> = self.words.iter().collect();
        ranked.sort_unstable_by(|one, other| {
            (other.times > 1, other.count, &one.word).cmp(&(one.times > 1, one.count, &other.word))
        });
        ranked.into_iter().take(n).map(|followed| followed.word.clone()).collect()
    }
}
