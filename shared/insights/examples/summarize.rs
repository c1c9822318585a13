//! Summarizes a transcript of lines `Name: text` from standard input; each message is a minute after the one before.
//!
//!     cargo run -p shared-insights --example summarize < transcript.txt

use std::{error::Error, io};

use shared_insights::{Message, fold};

/// Wednesday, 4 March 2026, 12:00 UTC.
const START_MS: i64 = 1_772_625_600_000;

fn main() -> Result<(), Box<dyn Error>> {
    let text = io::read_to_string(io::stdin())?;
    let lines = text.lines().filter_map(|line| line.split_once(": "));
    let messages: Vec<Message<'_>> = lines
        .zip(1_u32..)
        .map(|((author, text), seq)| Message {
            seq: seq.into(),
            author,
            text,
            at_ms: START_MS + i64::from(seq) * 60_000,
        })
        .collect();
    let summary = fold(&[], &messages);
    println!("BRIEF\n{}\n\nDETAILED\n{}\n", summary.brief, summary.detailed);
    println!("SENTIMENT {:?} {}", summary.sentiment.class, summary.sentiment.score);
    println!("KEYWORDS {}", summary.keywords.join(", "));
    for item in &summary.action_items {
        println!("ACTION {item:?}");
    }
    for (name, findings) in [("DECISION", &summary.decisions), ("OPEN", &summary.open_questions)] {
        for finding in findings {
            println!("{name} {finding:?}");
        }
    }
    Ok(())
}
