//! What came of an import, for people and for programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;

use import_formats::{Format, Message, Place, Reason, Skipped};
use serde::Serialize;
use shared::domain::Timestamp;

use crate::exit;
use crate::terminal::{counted, grouped, tame};

/// Examples of each reason.
const EXAMPLES: usize = 3;
/// Kinds of refusals that are told apart.
const KINDS: usize = 50;
/// Conversations that are counted by name.
const NAMED: usize = 100_000;
/// Conversations that are listed for people.
const LISTED: usize = 20;

/// Counts with examples.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    formats: Vec<&'static str>,
    /// Messages found in the sources.
    messages: u64,
    /// Stored by this import.
    imported: u64,
    /// There before, or twice in the source.
    already_there: u64,
    ended_conversations: u64,
    conversations: BTreeMap<String, Conversation>,
    skipped: BTreeMap<String, Counted>,
    refused: BTreeMap<String, Counted>,
    failed: Vec<Failed>,
    notes: Vec<String>,
    #[serde(skip)]
    lost: u64,
    #[serde(skip)]
    conflicts: u64,
}

#[derive(Debug, Default, Serialize)]
struct Conversation {
    messages: u64,
    imported: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

#[derive(Debug, Default, Serialize)]
struct Counted {
    count: u64,
    examples: Vec<Example>,
}

#[derive(Debug, Serialize)]
struct Example {
    place: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    text: String,
}

#[derive(Debug, Serialize)]
struct Failed {
    file: String,
    error: String,
}

/// Whether somebody may miss it: what every export holds beside its messages is no loss.
pub(crate) fn is_loss(reason: Reason) -> bool {
    !matches!(reason, Reason::System | Reason::Deleted | Reason::NoText | Reason::MediaOmitted | Reason::NotChat)
}

impl Counted {
    fn add(&mut self, place: &Place, text: &str) {
        self.count += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(Example { place: place.to_string(), text: text.to_owned() });
        }
    }
}

impl Report {
    pub(crate) fn read(&mut self, message: &Message) {
        self.messages += 1;
        if self.conversations.len() >= NAMED && !self.conversations.contains_key(&message.conversation) {
            return;
        }
        let conversation = self.conversations.entry(message.conversation.clone()).or_default();
        conversation.messages += 1;
        if let Some(at) = message.timestamp {
            conversation.first = Some(conversation.first.map_or(at, |first| first.min(at)));
            conversation.last = Some(conversation.last.map_or(at, |last| last.max(at)));
        }
    }

    pub(crate) fn stored(&mut self, conversation: &str, inserted: u64, duplicates: u64) {
        self.imported += inserted;
        self.already_there += duplicates;
        if let Some(conversation) = self.conversations.get_mut(conversation) {
            conversation.imported += inserted;
        }
    }

    pub(crate) fn repeated(&mut self, same: bool, place: &Place) {
        if same {
            self.already_there += 1;
        } else {
            self.refused("the source has its id twice, with different content", place);
        }
    }

    pub(crate) fn skipped(&mut self, skipped: &Skipped) {
        self.lost += u64::from(is_loss(skipped.reason));
        self.skipped.entry(skipped.reason.to_string()).or_default().add(&skipped.place, &skipped.excerpt);
    }

    pub(crate) fn refused(&mut self, why: &str, place: &Place) {
        self.lost += 1;
        let why = if self.refused.len() < KINDS { why } else { "for other reasons" };
        self.refused.entry(why.to_owned()).or_default().add(place, "");
    }

    pub(crate) fn conflict(&mut self, place: &Place) {
        self.conflicts += 1;
        self.refused("it is there already, with other content or another time (was it edited since?)", place);
    }

    /// Whether all messages so far, at least this many, stand there differently.
    pub(crate) fn nothing_fits(&self, conflicts: u64) -> bool {
        self.conflicts >= conflicts && self.imported == 0 && self.already_there == 0
    }

    pub(crate) fn ended(&mut self) {
        self.ended_conversations += 1;
    }

    pub(crate) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    pub(crate) fn file(&mut self, format: Format) {
        if !self.formats.contains(&format.name()) {
            self.formats.push(format.name());
        }
    }

    pub(crate) fn failed(&mut self, file: String, error: String) {
        self.failed.push(Failed { file, error });
    }

    /// Messages dealt with so far.
    pub(crate) fn done(&self) -> u64 {
        self.messages
    }

    /// 0 where all is there, 3 where something is missing, 1 where nothing could be read.
    pub(crate) fn exit_code(&self) -> ExitCode {
        if !self.failed.is_empty() && self.messages == 0 {
            return ExitCode::FAILURE;
        }
        if self.failed.is_empty() && self.lost == 0 { ExitCode::SUCCESS } else { ExitCode::from(exit::PARTLY) }
    }

    pub(crate) fn json(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string(self)? + "\n")
    }

    pub(crate) fn text(&self, dry_run: bool) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = self.write(&mut text, dry_run);
        text
    }

    fn write(&self, to: &mut String, dry_run: bool) -> std::fmt::Result {
        let conversations = counted(self.conversations.len() as u64, "conversation");
        let formats = self.formats.join(", ");
        if dry_run {
            writeln!(
                to,
                "Found {} in {conversations} ({formats}). Nothing was stored.",
                counted(self.messages, "message")
            )?;
        } else {
            write!(to, "Imported {} into {conversations}", counted(self.imported, "message"))?;
            if self.already_there > 0 {
                write!(to, "; {} were there already", grouped(self.already_there))?;
            }
            if self.ended_conversations > 0 {
                write!(to, "; {} ended", grouped(self.ended_conversations))?;
            }
            writeln!(to, ".")?;
        }
        for (name, conversation) in self.conversations.iter().take(LISTED) {
            write!(to, "  {:>9}  {}", grouped(conversation.messages), tame(name))?;
            if let (Some(first), Some(last)) = (conversation.first, conversation.last) {
                write!(to, "  ({first} to {last})")?;
            }
            writeln!(to)?;
        }
        if self.conversations.len() > LISTED {
            writeln!(to, "  … and {} more", grouped((self.conversations.len() - LISTED) as u64))?;
        }
        list(to, "Skipped", &self.skipped)?;
        list(to, "Not stored", &self.refused)?;
        for note in &self.notes {
            writeln!(to, "Note: {}", tame(note))?;
        }
        for failed in &self.failed {
            writeln!(to, "Not read to its end: {}: {}", failed.file, tame(&failed.error))?;
        }
        Ok(())
    }
}

fn list(to: &mut String, heading: &str, reasons: &BTreeMap<String, Counted>) -> std::fmt::Result {
    let all: u64 = reasons.values().map(|counted| counted.count).sum();
    if all == 0 {
        return Ok(());
    }
    writeln!(to, "{heading}: {}", grouped(all))?;
    for (reason, counted) in reasons {
        writeln!(to, "  {:>9}  {}", grouped(counted.count), tame(reason))?;
        for example in &counted.examples {
            write!(to, "             {}", tame(&example.place))?;
            if !example.text.is_empty() {
                write!(to, "  {}", tame(&example.text))?;
            }
            writeln!(to)?;
        }
    }
    Ok(())
}
