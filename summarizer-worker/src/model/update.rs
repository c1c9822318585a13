//! A summary written on from the version before: what is new in one call, beside the brief text so far.
//!
//! Law: each part of what is new gets notes of its own: a segment's end as well as the tail. They rest on its own
//! messages and on what was told before these, never on what comes after them.

use std::sync::Arc;

use shared::domain::{Dropped, DroppedPart, SummaryContent, Trigger, Usage};
use shared::ports::{Folded, Material, News, SummarizerError, SummaryMessage, SummaryRun};
use shared_insights::{ActionItem, Finding};

use super::checked::{Checked, Checks};
use super::engine::{ModelSummarizer, chat, ground, notes, open, read};
use super::ground::Ground;
use super::part::{FINDINGS, ITEMS, Part, close, newest, shown};
use super::partial::Partials;
use super::prompts::Prompt;
use super::write::write_on;

/// A detailed text beyond this is written anew.
const LONG_DETAILED: usize = 6_000;
/// With so many times the bytes of all gists come since, a summary is made from the whole again.
const WHOLE_EVERY: u64 = 8;
/// and at least so many bytes.
const WHOLE_BELOW: u64 = 64_000;

/// What was found so far.
struct Found {
    todo: Vec<ActionItem>,
    asked: Vec<Finding>,
    decided: Vec<Finding>,
}

impl Found {
    fn of(before: &SummaryContent, parts: &[Part]) -> Self {
        let (todo, asked) = (before.action_items.clone(), before.open_questions.clone());
        let mut found = Self { todo, asked, decided: before.decisions.clone() };
        for part in parts {
            found.add(part);
        }
        found
    }

    fn add(&mut self, part: &Part) {
        self.todo.extend(part.todo.iter().cloned());
        self.asked.extend(part.asked.iter().cloned());
        self.decided.extend(part.decided.iter().cloned());
    }

    /// The version before with all of it, as much as there is room for.
    fn in_place_of(mut self, before: &SummaryContent, dropped: &mut Vec<Dropped>) -> SummaryContent {
        newest(&mut self.todo, ITEMS, DroppedPart::ActionItem, dropped);
        newest(&mut self.asked, FINDINGS, DroppedPart::Question, dropped);
        let Self { todo, asked, decided } = self;
        SummaryContent { action_items: todo, open_questions: asked, decisions: decided, ..before.clone() }
    }
}

/// Whether writing on from the version before will do.
pub(super) fn is_enough(run: &SummaryRun, material: &Material<'_>, news: &News<'_>) -> bool {
    let gists: u64 = material.gists.iter().map(|gist| gist.0.len() as u64).sum();
    run.trigger != Trigger::End
        && news.before.content.detailed.len() < LONG_DETAILED
        && news.since_whole < (gists * WHOLE_EVERY).max(WHOLE_BELOW)
}

impl ModelSummarizer {
    pub(super) async fn update(
        &self,
        run: &SummaryRun,
        news: &News<'_>,
        rest: &[SummaryMessage],
        tail: &[SummaryMessage],
    ) -> Result<Folded, SummarizerError> {
        let mut parts = read(news.gists)?;
        let lines = [rest, tail].concat();
        let before = &news.before.content;
        let mut found = Found::of(before, &parts);
        let mut usage = Usage::default();
        let mut fence = self.fence(run);
        let mark = fence.mark().to_owned();
        fence.line("So far: ", &before.brief);
        let shown = open(&mut fence, &found.todo, &found.asked, &parts, &lines);
        notes(&mut fence, &parts);
        chat(&mut fence, &lines, if tail.is_empty() { 0 } else { rest.len() });
        let mut partials = Partials::new(Arc::clone(&self.bus), run.key.clone(), fence.veil().clone());
        // Where nothing comes after the segment's end, all that is told is told of it.
        let two_sided = !rest.is_empty() && !tail.is_empty();
        let prompt = if two_sided { Prompt::Cross } else { Prompt::Update };
        let (answer, role) = self.ask(run, prompt, fence, Some(&mut partials), &mut usage).await?;
        let checks_of = |lines, parts: &[Part]| Checks::new(lines, grounds(lines, parts, before), &role, mark.clone());
        let ending = checks_of(rest, &parts);
        if two_sided && ending.is_foreign(&answer.detailed) {
            return Err(SummarizerError::Refused("the model wrote in another language than the chat's".to_owned()));
        }
        let checked = self.checked(run, &answer, checks_of(&lines, &parts), &mut usage).await?;
        let Checked { brief, detailed, part, mut dropped } = checked;
        close(&answer.closed, &shown, &mut found.todo, &mut found.asked);
        let keywords = part.keywords.clone();
        let (ended, note) = match rest.last() {
            Some(last) if two_sided => {
                let (ended, note) = part.split(rest.len(), last.seq, |text| ending.founds(text));
                let ended = ending.narrowed(ended, &detailed, &keywords, &mut dropped);
                // The later side may speak of what was told before it, and that is what the first has come to.
                let told = [&parts[..], std::slice::from_ref(&ended)].concat();
                let about = note.about.clone();
                let note = checks_of(tail, &told).narrowed(note, &about, &keywords, &mut dropped);
                (Some(ended), note)
            }
            Some(_) => (Some(part), Part::default()),
            None => (None, part),
        };
        let rest_gist = ended.as_ref().map(Part::gist).transpose()?;
        let notes = if tail.is_empty() { None } else { Some(note.gist()?) };
        if let Some(ended) = ended {
            found.add(&ended);
            parts.push(ended);
        }
        let part = Part { keywords, ..note };
        let so_far = found.in_place_of(before, &mut dropped);
        let content = write_on(so_far, news.before.covers.messages, &parts, part, brief, &mut dropped)?;
        Ok(Folded { content, usage, dropped, rest: rest_gist, notes, whole: false })
    }
}

/// What may be said of lines.
fn grounds(lines: &[SummaryMessage], parts: &[Part], before: &SummaryContent) -> Ground {
    let mut founded = Ground::default();
    founded.messages(lines);
    ground(&mut founded, parts);
    said_before(&mut founded, before);
    founded
}

fn said_before(ground: &mut Ground, before: &SummaryContent) {
    ground.text(&before.brief);
    ground.text(&before.detailed);
    for item in &before.action_items {
        ground.text(&shown(item));
    }
    for finding in before.decisions.iter().chain(&before.open_questions) {
        ground.text(&finding.text);
    }
}
