//! Every target over its seeds, and over what is made of them. `FUZZ_CASES` sets how many inputs are made.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use shared_fuzz::{TARGETS, Target};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn seeds(target: Target) -> Vec<Vec<u8>> {
    let folder = folder().join("seeds").join(target.name);
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 3, "{} has too few seeds", folder.display());
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// A change of an input, as fuzzers make them.
#[derive(Debug, Clone)]
enum Change {
    Flip(prop::sample::Index, u8),
    Cut(prop::sample::Index, usize),
    Double(prop::sample::Index, usize),
    Insert(prop::sample::Index, Vec<u8>),
    Splice(prop::sample::Index, prop::sample::Index),
}

/// Pieces that parsers stumble over.
const WORDS: [&str; 24] = [
    "\0",
    "\u{feff}",
    "\\ud800",
    "\\u0000",
    "1e999",
    "-0",
    "18446744073709551616",
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    "\r\n",
    "\u{202e}",
    "é🦀",
    "://",
    "](",
    "<script>",
    "@",
    "+49",
    "password: ",
    "-----BEGIN PRIVATE KEY-----",
    "4111 1111 1111 1111",
];

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let at = any::<prop::sample::Index>;
    let word = prop::sample::select(WORDS.to_vec()).prop_map(|word| word.as_bytes().to_vec());
    let bytes = prop_oneof![3 => word, 1 => prop::collection::vec(any::<u8>(), 1..20)];
    let change = prop_oneof![
        (at(), any::<u8>()).prop_map(|(at, bits)| Change::Flip(at, bits)),
        (at(), 1..40_usize).prop_map(|(at, length)| Change::Cut(at, length)),
        (at(), 1..40_usize).prop_map(|(at, length)| Change::Double(at, length)),
        (at(), bytes).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        (at(), at()).prop_map(|(seed, at)| Change::Splice(seed, at)),
    ];
    prop::collection::vec(change, 1..8)
}

fn changed(mut input: Vec<u8>, changes: &[Change], seeds: &[Vec<u8>]) -> Vec<u8> {
    for change in changes {
        let size = input.len() + 1;
        match change {
            Change::Flip(at, bits) => {
                let at = at.index(size);
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= bits;
                }
            }
            Change::Cut(at, length) => {
                let from = at.index(size);
                let to = (from + length).min(input.len());
                input.drain(from..to);
            }
            Change::Double(at, length) => {
                let from = at.index(size);
                let piece = input[from..(from + length).min(input.len())].to_vec();
                input.splice(from..from, piece);
            }
            Change::Insert(at, bytes) => {
                let at = at.index(size);
                input.splice(at..at, bytes.iter().copied());
            }
            Change::Splice(seed, at) => {
                let other = &seeds[seed.index(seeds.len())];
                input.truncate(at.index(size));
                input.extend(&other[at.index(other.len() + 1)..]);
            }
        }
    }
    input
}

fn fuzz(name: &str) {
    let cases = std::env::var("FUZZ_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(256);
    let target = TARGETS.into_iter().find(|target| target.name == name).unwrap();
    let seeds = seeds(target);
    for seed in &seeds {
        (target.run)(seed);
    }
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    // The same inputs each time: what a test finds is found again.
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let inputs = (any::<prop::sample::Index>(), changes());
    let run = TestRunner::new_with_rng(config, rng).run(&inputs, |(seed, changes)| {
        let input = changed(seeds[seed.index(seeds.len())].clone(), &changes, &seeds);
        (target.run)(&input);
        Ok(())
    });
    if let Err(found) = run {
        panic!("{name}: {found}");
    }
}

macro_rules! targets {
    ($($name:ident),* $(,)?) => {
        $(#[test]
        fn $name() {
            fuzz(stringify!($name));
        })*

        /// Those of the library, of this file, and of `fuzz/` are the same.
        #[test]
        fn every_target_is_run_here_and_by_hand() {
            let here = [$(stringify!($name)),*];
            assert_eq!(here.to_vec(), TARGETS.map(|target| target.name).to_vec());
            let manifest = std::fs::read_to_string(folder().join("Cargo.toml")).unwrap();
            for name in here {
                assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} is not in fuzz/Cargo.toml");
                let source = std::fs::read_to_string(folder().join(format!("fuzz_targets/{name}.rs"))).unwrap();
                assert!(source.contains(&format!("shared_fuzz::run(\"{name}\", bytes)")), "{source}");
            }
        }
    };
}

targets!(request_bodies, cursors, frames, import_formats, model_answers, local_engine, sensitive_values);
