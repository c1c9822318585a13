//! Puts the summary together.

use super::{Material, Summary, choose, names::rename, outline, render::render};
use crate::gist::Whole;

/// Words of a brief, at most.
const BRIEF: usize = 52;
/// Words of the parts of a detailed summary, at most: its topics and lists come on top.
const DETAILED: usize = 200;

pub(crate) fn summary(material: &Material<'_>, whole: &Whole) -> Summary {
    let words = usize::try_from(whole.words).unwrap_or(usize::MAX / 100);
    let budget = (6 + words * 13 / 100).min(BRIEF);
    let chosen = choose::central(material, budget);
    let sentences: Vec<String> = chosen.iter().map(|at| render(material, &material.candidates[*at])).collect();
    let mut summary = Summary {
        brief: sentences.join(" "),
        detailed: String::new(),
        sentiment: whole.mood.score(),
        keywords: whole.keywords(10),
        action_items: whole.findings.actions(whole.messages, whole.is_speech()),
        decisions: whole.findings.decided(),
        open_questions: whole.findings.open(),
    };
    if summary.brief.is_empty() {
        summary.brief = outline::bare(whole);
    }
    let budget = (40 + words * 3 / 10).min(DETAILED);
    let covered = choose::cover(material, budget);
    summary.detailed = outline::detailed(material, whole, &covered, &summary);
    let heard = whole.heard();
    if !heard.is_empty() {
        called_by_name(&mut summary, &heard);
    }
    summary
}

fn called_by_name(summary: &mut Summary, heard: &[(String, String)]) {
    summary.brief = rename(&summary.brief, heard);
    summary.detailed = rename(&summary.detailed, heard);
    for item in &mut summary.action_items {
        item.text = rename(&item.text, heard);
        item.owner = item.owner.as_ref().map(|owner| rename(owner, heard));
    }
    for finding in summary.decisions.iter_mut().chain(&mut summary.open_questions) {
        finding.text = rename(&finding.text, heard);
    }
}
