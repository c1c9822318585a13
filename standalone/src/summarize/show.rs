//! A summary for people and for programs.

use std::fmt::{self, Write as _};

use serde::Serialize;
use serde_json::Value;
use shared::domain::{Dropped, Timestamp, Usage};
use shared_insights::{ActionItem, ActionStatus, Finding, Sentiment};

use super::fold::Whole;
use crate::terminal::{self, Style, counted, grouped, tame};

/// Participants listed.
const PEOPLE: usize = 12;
/// Characters of a cited message.
const CITED: usize = 160;

#[derive(Serialize)]
struct SummaryLine<'a> {
    conversation_id: &'a str,
    brief: &'a str,
    detailed: &'a str,
    insights: Insights<'a>,
    covers: Covers,
    engine: &'a str,
    degraded: bool,
}

#[derive(Serialize)]
struct Insights<'a> {
    sentiment: Sentiment,
    sentiment_score: f64,
    keywords: &'a [String],
    action_items: Vec<&'a str>,
    action_item_details: &'a [ActionItem],
    decisions: &'a [Finding],
    open_questions: &'a [Finding],
    participants: Vec<Participant<'a>>,
}

#[derive(Serialize)]
struct Participant<'a> {
    user_id: &'a str,
    message_count: u64,
}

#[derive(Serialize)]
struct Covers {
    first_seq: u64,
    last_seq: u64,
    messages: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

/// One line, with the names of `POST /chats/summarize`.
pub(super) fn json(name: &str, whole: &Whole) -> serde_json::Result<String> {
    let summary = &whole.summary;
    let messages = whole.messages.len() as u64;
    let open = summary.action_items.iter().filter(|item| item.status == ActionStatus::Open);
    serde_json::to_string(&SummaryLine {
        conversation_id: name,
        brief: &summary.brief,
        detailed: &summary.detailed,
        insights: Insights {
            sentiment: summary.sentiment.class,
            sentiment_score: summary.sentiment.score,
            keywords: &summary.keywords,
            action_items: open.map(|item| item.text.as_str()).collect(),
            action_item_details: &summary.action_items,
            decisions: &summary.decisions,
            open_questions: &summary.open_questions,
            participants: whole
                .people
                .iter()
                .map(|(user, count)| Participant { user_id: user, message_count: *count })
                .collect(),
        },
        covers: Covers { first_seq: 1, last_seq: messages, messages, first: whole.first, last: whole.last },
        engine: &whole.record.engine,
        degraded: whole.record.fallback.is_some(),
    })
}

/// For people.
pub(super) fn text(name: &str, whole: &Whole, explain: bool, style: Style) -> String {
    let mut page = Page { whole, explain, style, text: String::new() };
    // Writing to a string does not fail.
    let _ = page.write(name);
    page.text
}

struct Page<'w> {
    whole: &'w Whole,
    explain: bool,
    style: Style,
    text: String,
}

impl Page<'_> {
    fn write(&mut self, name: &str) -> fmt::Result {
        let whole = self.whole;
        let summary = &whole.summary;
        let (messages, people) = (counted(whole.messages.len() as u64, "message"), whole.people.len());
        writeln!(self.text, "{}", self.style.bold(&tame(name)))?;
        write!(self.text, "{messages} by {}", terminal::people(people as u64))?;
        if let (Some(first), Some(last)) = (whole.first, whole.last) {
            write!(self.text, ", {first} to {last}")?;
        }
        writeln!(self.text)?;
        self.heading("Brief")?;
        writeln!(self.text, "{}", tame(&summary.brief))?;
        self.heading("Detailed")?;
        writeln!(self.text, "{}", tame(&summary.detailed))?;
        if !summary.action_items.is_empty() {
            self.heading("Action items")?;
            for item in &summary.action_items {
                self.item(&action(item), &item.evidence)?;
            }
        }
        for (heading, findings) in [("Decisions", &summary.decisions), ("Open questions", &summary.open_questions)] {
            if !findings.is_empty() {
                self.heading(heading)?;
                for finding in findings {
                    self.item(&tame(&finding.text), &finding.evidence)?;
                }
            }
        }
        self.heading("Keywords")?;
        writeln!(self.text, "{}", tame(&summary.keywords.join(", ")))?;
        self.heading("Sentiment")?;
        let class = match summary.sentiment.class {
            Sentiment::Positive => "positive",
            Sentiment::Neutral => "neutral",
            Sentiment::Negative => "negative",
        };
        writeln!(self.text, "{class} ({:+.2})", summary.sentiment.score)?;
        self.heading("Participants")?;
        for (user, count) in whole.people.iter().take(PEOPLE) {
            writeln!(self.text, "{:>7}  {}", grouped(*count), tame(user))?;
        }
        if people > PEOPLE {
            writeln!(self.text, "         … and {} more", people - PEOPLE)?;
        }
        if self.explain { self.explained() } else { Ok(()) }
    }

    fn heading(&mut self, heading: &str) -> fmt::Result {
        writeln!(self.text, "\n{}", self.style.bold(heading))
    }

    fn item(&mut self, text: &str, evidence: &[u64]) -> fmt::Result {
        let seqs: Vec<String> = evidence.iter().map(u64::to_string).collect();
        let seqs = if seqs.is_empty() { String::new() } else { format!("  [{}]", seqs.join(", ")) };
        writeln!(self.text, "- {text}{}", self.style.dim(&seqs))?;
        if !self.explain {
            return Ok(());
        }
        for seq in evidence {
            let kept = usize::try_from(*seq).ok().and_then(|seq| self.whole.messages.get(seq.checked_sub(1)?));
            let Some(kept) = kept else { continue };
            let said = kept.said.as_ref().map_or_else(String::new, |(user, text)| {
                let text: String = text.replace('\n', " ").chars().take(CITED).collect();
                format!("  {}: {}", tame(user), tame(&text))
            });
            writeln!(self.text, "    {}", self.style.dim(&format!("[{seq}] {}{said}", tame(&kept.place.to_string()))))?;
        }
        Ok(())
    }

    fn explained(&mut self) -> fmt::Result {
        let messages = self.whole.messages.len();
        let record = &self.whole.record;
        let from = match record.gists {
            None => String::new(),
            Some(0) => ", read whole".to_owned(),
            Some(1) => ", read as the gist of a closed segment and the newest messages".to_owned(),
            Some(gists) => format!(", read as {gists} gists of closed segments and the newest messages"),
        };
        self.heading("How it was made")?;
        match (record.engine.as_str(), record.fallback) {
            ("local", None) => writeln!(self.text, "Engine: local (rules, no model; nothing left this machine)")?,
            (engine, None) => writeln!(self.text, "Engine: {}", tame(engine))?,
            (engine, Some(reason)) => {
                writeln!(self.text, "Engine: {engine}, in place of the model ({})", words(&reason))?;
            }
        }
        let what = if record.engine == "local" { "Rules" } else { "Prompts" };
        writeln!(self.text, "{what}: version {}", record.prompt_version)?;
        writeln!(self.text, "Trigger: demand")?;
        let Usage { tokens_in, tokens_out } = record.usage;
        writeln!(self.text, "Tokens: {} sent, {} written", grouped(tokens_in), grouped(tokens_out))?;
        writeln!(self.text, "Time: {} ms", grouped(record.latency_ms))?;
        let dropped: Vec<String> = record.dropped.iter().copied().map(dropped).collect();
        let dropped = if dropped.is_empty() { "nothing".to_owned() } else { dropped.join(", ") };
        writeln!(self.text, "Dropped: {dropped}")?;
        writeln!(self.text, "Coverage: messages 1 to {messages}, all of them{from}")?;
        writeln!(self.text, "Numbers in brackets count the messages as they stand in the source")
    }
}

/// `2 sentence (unfounded)`
fn dropped(dropped: Dropped) -> String {
    format!("{} {} ({})", dropped.count, words(&dropped.part), words(&dropped.reason))
}

/// The name that a value has in JSON, as words.
fn words(name: &impl Serialize) -> String {
    let name = serde_json::to_value(name).ok();
    name.as_ref().and_then(Value::as_str).unwrap_or_default().replace('_', " ")
}

fn action(item: &ActionItem) -> String {
    let mut text = tame(&item.text);
    let mut notes = Vec::new();
    notes.extend(item.owner.as_deref().map(tame));
    notes.extend(item.due.as_ref().map(|due| format!("due {} (“{}”)", due.date, tame(&due.words))));
    if item.status != ActionStatus::Open {
        notes.push(format!("{:?}", item.status).to_lowercase());
    }
    if !notes.is_empty() {
        let _ = write!(text, " — {}", notes.join(", "));
    }
    text
}
