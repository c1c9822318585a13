//! Writes a prediction file for each `*.jsonl` of a folder of labelled conversations.
//!
//!     cargo run -p shared-insights --release --example evaluate -- DIR OUT
//!
//! The engine is given `id` and `messages` only, cut into segments as the worker cuts them. A
//! conversation of more than `LONG` words is answered with the detailed summary, any other with the brief one.

use std::{collections::BTreeMap, env, error::Error, fs, path::Path};

use serde::{Deserialize, Serialize};
use shared_insights::{Gist, Message, Sentiment, fold, gist, merge, message_sentiment};

const LONG: usize = 1000;
/// A segment closes at so many messages, or bytes (about 1500 tokens).
const SEGMENT_MESSAGES: usize = 40;
const SEGMENT_BYTES: usize = 6000;
const FAN_IN: usize = 32;

#[derive(Deserialize)]
struct Conversation {
    id: String,
    messages: Vec<Line>,
}

#[derive(Deserialize)]
struct Line {
    user_id: String,
    content: String,
}

#[derive(Serialize)]
struct Prediction {
    id: String,
    summary: String,
    sentiment: Sentiment,
    keywords: Vec<String>,
    action_items: Vec<Item>,
}

#[derive(Serialize)]
struct Item {
    text: String,
    message: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(from), Some(to)) = (arguments.next(), arguments.next()) else {
        return Err("usage: evaluate DIR OUT".into());
    };
    fs::create_dir_all(&to)?;
    // Sorted, so that runs print alike.
    let mut files = BTreeMap::new();
    for file in fs::read_dir(from)? {
        let path = file?.path();
        if path.extension().is_some_and(|extension| extension == "jsonl") {
            files.insert(path.file_name().unwrap_or_default().to_owned(), path);
        }
    }
    for (name, path) in files {
        fs::write(Path::new(&to).join(name), predictions(&fs::read_to_string(path)?)?)?;
    }
    Ok(())
}

fn predictions(file: &str) -> Result<String, serde_json::Error> {
    let mut out = String::new();
    for line in file.lines().filter(|line| !line.trim().is_empty()) {
        let conversation: Conversation = serde_json::from_str(line)?;
        out.push_str(&serde_json::to_string(&predict(&conversation))?);
        out.push('\n');
    }
    Ok(out)
}

fn predict(conversation: &Conversation) -> Prediction {
    let messages: Vec<Message<'_>> = conversation
        .messages
        .iter()
        .zip(1..)
        .map(|(line, seq)| Message { seq, author: &line.user_id, text: &line.content, at_ms: 0 })
        .collect();
    let (gists, tail) = segments(&messages);
    let summary = fold(&gists, tail);
    let words: usize = conversation.messages.iter().map(|line| line.content.split_whitespace().count()).sum();
    // One message is a message: the engine has a score of its own for it.
    let sentiment =
        if let [message] = messages[..] { message_sentiment(message.text).class } else { summary.sentiment.class };
    let action_items = summary
        .action_items
        .iter()
        .filter_map(|item| Some(Item { text: item.text.clone(), message: item.evidence.first()? - 1 }))
        .collect();
    Prediction {
        id: conversation.id.clone(),
        summary: if words > LONG { summary.detailed } else { summary.brief },
        sentiment,
        keywords: summary.keywords,
        action_items,
    }
}

fn segments<'m, 'a>(messages: &'m [Message<'a>]) -> (Vec<Gist>, &'m [Message<'a>]) {
    let mut gists: Vec<Gist> = Vec::new();
    let mut begin = 0;
    let mut bytes = 0;
    for (at, message) in messages.iter().enumerate() {
        bytes += message.text.len();
        if at + 1 - begin < SEGMENT_MESSAGES && bytes < SEGMENT_BYTES {
            continue;
        }
        gists.push(gist(&messages[begin..=at]));
        if gists.len() == FAN_IN {
            gists = vec![merge(&gists)];
        }
        begin = at + 1;
        bytes = 0;
    }
    (gists, &messages[begin..])
}
