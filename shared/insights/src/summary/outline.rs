//! The detailed summary: what it was about, part by part, then what was decided, what is to be done
//! and what is open. Headings are in the conversation's language, or left out.

use std::{collections::HashMap, fmt::Write};

use super::{Candidate, Material, Summary, render::render};
use crate::{
    actions::{ActionItem, ActionStatus},
    gist::Whole,
    sentiment::thousandths,
    text::Language,
};

/// Sentences of a part.
const PART: usize = 5;
/// Parts, at most.
const PARTS: usize = 6;
/// Entries of a list.
const LISTED: usize = 4;

struct Headings {
    decided: &'static str,
    to_do: &'static str,
    open: &'static str,
}

const fn headings(language: Language) -> Option<Headings> {
    let (decided, to_do, open) = match language {
        Language::English => ("Decided:", "To do:", "Open:"),
        Language::Spanish => ("Decidido:", "Por hacer:", "Pendiente:"),
        Language::French => ("Décidé :", "À faire :", "En suspens :"),
        Language::German => ("Beschlossen:", "Zu tun:", "Offen:"),
        Language::Portuguese => ("Decidido:", "A fazer:", "Em aberto:"),
        Language::Italian => ("Deciso:", "Da fare:", "In sospeso:"),
        Language::Dutch => ("Besloten:", "Te doen:", "Open:"),
        Language::Other => return None,
    };
    Some(Headings { decided, to_do, open })
}

/// The detailed summary over the covering sentences. Never empty.
pub(super) fn detailed(material: &Material<'_>, whole: &Whole, covered: &[usize], summary: &Summary) -> String {
    let mut text = String::new();
    let parts = covered.len().div_ceil(PART).clamp(1, PARTS);
    let each = covered.len().div_ceil(parts).max(1);
    let mut begin = 0;
    for part in covered.chunks(each) {
        let end = part.last().map_or(begin, |last| last + 1);
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        if parts > 1
            && let Some(topic) = topic(whole, &material.candidates[begin..end])
        {
            text.push_str(&topic);
            text.push(' ');
        }
        let sentences: Vec<String> = part.iter().map(|at| render(material, &material.candidates[*at])).collect();
        text.push_str(&sentences.join(" "));
        begin = end;
    }
    if text.is_empty() {
        text.clone_from(&summary.brief);
    }
    if let Some(headings) = headings(whole.tally.language()) {
        list(&mut text, headings.decided, summary.decisions.iter().map(|finding| finding.text.clone()));
        list(
            &mut text,
            headings.to_do,
            summary.action_items.iter().filter(|item| item.status == ActionStatus::Open).map(entry),
        );
        list(&mut text, headings.open, summary.open_questions.iter().map(|finding| finding.text.clone()));
    }
    text
}

fn list(text: &mut String, heading: &str, entries: impl Iterator<Item = String>) {
    for (at, entry) in entries.take(LISTED).enumerate() {
        text.push_str(if at == 0 { "\n\n" } else { "\n" });
        if at == 0 {
            text.push_str(heading);
            text.push('\n');
        }
        text.push_str("- ");
        text.push_str(&entry);
    }
}

fn entry(item: &ActionItem) -> String {
    let mut entry = String::new();
    if let Some(owner) = &item.owner {
        entry.push_str(owner);
        entry.push_str(": ");
    }
    entry.push_str(&item.text);
    if let Some(due) = &item.due {
        // Writing to a string does not fail.
        let _ = write!(entry, " ({})", due.date);
    }
    entry
}

/// "The group discusses buttons, volume and power.": the terms that mark a part.
fn topic(whole: &Whole, part: &[Candidate]) -> Option<String> {
    if whole.tally.language() != Language::English {
        return None;
    }
    let mut counts: HashMap<usize, u32> = HashMap::new();
    for term in part.iter().flat_map(|candidate| &candidate.terms) {
        *counts.entry(*term).or_default() += 1;
    }
    let mut marks: Vec<(i64, usize)> = Vec::new();
    for (at, term) in whole.terms.iter().enumerate().filter(|(_, term)| term.content) {
        let here = counts.get(&at).copied().unwrap_or(0);
        if here > 1 {
            // Common here, and rather here than elsewhere.
            let weight =
                f64::from(here * u32::from(term.rarity)) * (f64::from(here) / f64::from(term.count.max(here))).sqrt();
            marks.push((thousandths(weight), at));
        }
    }
    marks.sort_by_key(|(weight, at)| (std::cmp::Reverse(*weight), *at));
    let words: Vec<&str> = marks.iter().take(3).map(|(_, at)| &*whole.terms[*at].word).collect();
    if words.len() < 2 {
        return None;
    }
    let (last, rest) = words.split_last()?;
    let listed = if rest.is_empty() { (*last).to_owned() } else { format!("{} and {last}", rest.join(", ")) };
    Some(match &whole.voices[..] {
        [_] => return None,
        [one, other] => format!("{} and {} talk about {listed}.", one.name, other.name),
        _ => format!("The group discusses {listed}."),
    })
}

/// What is true of a conversation that says nothing to tell.
pub(super) fn bare(whole: &Whole) -> String {
    match &whole.excerpt {
        Some((author, text)) if !text.is_empty() => format!("{author}: {text}"),
        Some((author, _)) => format!("{author}: …"),
        None => "…".to_owned(),
    }
}
