//! Puts the summary together.

use std::collections::HashSet;

use super::{Material, Summary, choose, names::rename, outline, render::render};
use crate::{
    actions::{ActionItem, Finding},
    gist::Whole,
};

/// Words of a brief, at most.
const BRIEF: usize = 52;
/// Words of the parts of a detailed summary, at most: its topics and lists come on top.
const DETAILED: usize = 200;

pub(crate) fn summary(material: &Material<'_>, whole: &Whole) -> Summary {
    let words = usize::try_from(whole.words).unwrap_or(usize::MAX / 100);
    let budget = (6 + words * 13 / 100).min(BRIEF);
    let action_items = whole.findings.actions(whole.messages, whole.is_speech());
    let decisions = whole.findings.decided();
    let outcomes = outcomes(&action_items, &decisions);
    let chosen = choose::central(material, budget, &outcomes);
    let sentences: Vec<String> =
        chosen.iter().map(|at| with_answer(render(material, &material.candidates[*at]), &decisions)).collect();
    let mut summary = Summary {
        brief: sentences.join(" "),
        detailed: String::new(),
        sentiment: whole.mood.score(),
        keywords: whole.keywords(10),
        action_items,
        decisions,
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

/// A proposal together with who agreed to it.
fn with_answer(told: String, decisions: &[Finding]) -> String {
    let open = told.trim_end_matches('.');
    let agreed = |finding: &&Finding| finding.text.strip_prefix(open).is_some_and(|rest| rest.starts_with(';'));
    match decisions.iter().find(agreed) {
        Some(finding) => finding.text.clone(),
        None => told,
    }
}

/// Messages in which someone took work on or something was settled: what a reader wants to know of.
fn outcomes(items: &[ActionItem], decisions: &[Finding]) -> HashSet<u64> {
    let owned = items.iter().filter(|item| item.owner.is_some()).filter_map(|item| item.evidence.first());
    owned.chain(decisions.iter().filter_map(|finding| finding.evidence.first())).copied().collect()
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
