//! Puts the summary together.

use super::{Material, Summary, choose, names::rename, render::render};
use crate::{gist::Whole, param::param};

/// Words of a brief, at most.
const BRIEF: usize = 60;

pub(crate) fn summary(material: &Material<'_>, whole: &Whole) -> Summary {
    let budget = (param("B0", 6.0) as usize + (whole.words as f64 * param("B1", 0.13)) as usize).min(BRIEF);
    let mut brief = told(material, &choose::central(material, budget), " ");
    if brief.is_empty() {
        brief = bare(whole);
    }
    let mut detailed = told(material, &choose::cover(material, param("CB", 320.0) as usize), "\n");
    if detailed.is_empty() {
        detailed.clone_from(&brief);
    }
    let heard = whole.heard();
    if !heard.is_empty() {
        brief = rename(&brief, &heard);
        detailed = rename(&detailed, &heard);
    }
    Summary {
        brief,
        detailed,
        sentiment: whole.mood.score(),
        keywords: whole.keywords(10),
        action_items: whole.findings.actions(whole.messages, whole.is_speech()),
        decisions: whole.findings.decided(),
        open_questions: whole.findings.open(),
    }
}

fn told(material: &Material<'_>, chosen: &[usize], between: &str) -> String {
    let sentences: Vec<String> = chosen.iter().map(|at| render(material, &material.candidates[*at])).collect();
    sentences.join(between)
}

/// What is true of a conversation that says nothing to tell.
fn bare(whole: &Whole) -> String {
    match &whole.excerpt {
        Some((author, text)) => format!("{author}: {text}"),
        None => "…".to_owned(),
    }
}
