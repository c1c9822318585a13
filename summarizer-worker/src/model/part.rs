//! What a stretch of a conversation comes to, checked: the model engine's gist.
//!
//! Law: a part is bounded whatever it stands for, and all of its items were checked against the messages themselves,
//! once, when these were at hand.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use shared::domain::{DropReason, Dropped, DroppedPart, Seq};
use shared::ports::{Gist, SummarizerError};
use shared_insights::{ActionItem, ActionStatus, Finding};

use super::open::Shown;

/// Characters of what happened.
pub(crate) const ABOUT: usize = 1_500;
/// Keywords of a part.
pub(crate) const KEYWORDS: usize = 8;
/// Items of each kind; the newest stay.
pub(crate) const ITEMS: usize = 24;
/// Decisions and questions.
pub(crate) const FINDINGS: usize = 16;

/// A gist as JSON.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Part {
    /// Messages it stands for.
    pub(crate) messages: u64,
    pub(crate) about: String,
    /// -1000 to 1000.
    pub(crate) mood: i64,
    #[serde(default)]
    pub(crate) keywords: Vec<String>,
    #[serde(default)]
    pub(crate) todo: Vec<ActionItem>,
    #[serde(default)]
    pub(crate) decided: Vec<Finding>,
    #[serde(default)]
    pub(crate) asked: Vec<Finding>,
}

impl Part {
    pub(crate) fn read(gist: &Gist) -> Result<Self, SummarizerError> {
        serde_json::from_str(&gist.0).map_err(|_| SummarizerError::Refused("a gist is not of this form".to_owned()))
    }

    pub(crate) fn gist(&self) -> Result<Gist, SummarizerError> {
        let json = serde_json::to_string(self);
        json.map(|json| Gist(json.into())).map_err(|_| SummarizerError::Refused("a gist cannot be written".to_owned()))
    }

    /// Parts that follow each other, put side by side. Nothing is shortened but the lists.
    pub(crate) fn side_by_side(parts: &[Self], dropped: &mut Vec<Dropped>) -> Self {
        let mut whole = Self::default();
        let mut weighed = 0;
        for part in parts {
            if !part.about.is_empty() {
                if !whole.about.is_empty() {
                    whole.about.push(' ');
                }
                whole.about.push_str(&part.about);
            }
            whole.messages += part.messages;
            weighed += part.mood * i64::try_from(part.messages).unwrap_or(i64::MAX / 1_000);
            for keyword in &part.keywords {
                if !whole.keywords.iter().any(|known| known.eq_ignore_ascii_case(keyword)) {
                    whole.keywords.push(keyword.clone());
                }
            }
            whole.todo.extend(part.todo.iter().cloned());
            whole.decided.extend(part.decided.iter().cloned());
            whole.asked.extend(part.asked.iter().cloned());
        }
        if let Ok(messages @ 1..) = i64::try_from(whole.messages) {
            whole.mood = weighed / messages;
        }
        whole.keywords.truncate(KEYWORDS * 2);
        whole.bound(dropped);
        whole
    }

    /// Of the first so many messages, and of those after them: to the first belongs what cites only messages up to `last`
    /// and is `sound` by them alone; the mood is that of both.
    pub(crate) fn split(self, messages: usize, last: Seq, sound: impl Fn(&str) -> bool) -> (Self, Self) {
        let first = |text: &str, evidence: &[u64]| evidence.iter().all(|seq| *seq <= last.0) && sound(text);
        let of_first = |item: &ActionItem| first(&shown(item), &item.evidence);
        let (first_todo, todo) = self.todo.into_iter().partition(of_first);
        let of = |findings: Vec<Finding>| {
            findings.into_iter().partition(|found: &Finding| first(&found.text, &found.evidence))
        };
        let (first_decided, decided) = of(self.decided);
        let (first_asked, asked) = of(self.asked);
        let first = Self {
            messages: messages as u64,
            mood: self.mood,
            todo: first_todo,
            decided: first_decided,
            asked: first_asked,
            ..Self::default()
        };
        let rest = self.messages.saturating_sub(first.messages);
        (first, Self { messages: rest, todo, decided, asked, ..self })
    }

    /// Keeps the newest items within the bounds.
    fn bound(&mut self, dropped: &mut Vec<Dropped>) {
        newest(&mut self.todo, ITEMS, DroppedPart::ActionItem, dropped);
        newest(&mut self.decided, FINDINGS, DroppedPart::Decision, dropped);
        newest(&mut self.asked, FINDINGS, DroppedPart::Question, dropped);
    }
}

/// Keeps the last so many of a list.
pub(crate) fn newest<T>(list: &mut Vec<T>, most: usize, part: DroppedPart, dropped: &mut Vec<Dropped>) {
    let more = list.len().saturating_sub(most);
    list.drain(..more);
    drop_some(dropped, part, DropReason::TooMany, more);
}

/// Counts what was dropped.
pub(crate) fn drop_some(dropped: &mut Vec<Dropped>, part: DroppedPart, reason: DropReason, count: usize) {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    if count == 0 {
        return;
    }
    match dropped.iter_mut().find(|known| known.part == part && known.reason == reason) {
        Some(known) => known.count += count,
        None => dropped.push(Dropped { part, reason, count }),
    }
}

/// An open item as a model is shown it: `Ben: fix the tests (by Friday)`.
pub(crate) fn shown(item: &ActionItem) -> String {
    let mut text = item.owner.as_ref().map_or_else(String::new, |owner| format!("{owner}: "));
    text.push_str(&item.text);
    if let Some(due) = &item.due {
        // Writing to a string cannot fail.
        let _ = write!(text, " ({})", due.words);
    }
    text
}

/// Marks the items that a model says are closed, of those that it was shown: `t3` is the third action item, `q1` the
/// first question.
pub(crate) fn close(closed: &[String], known: &[Shown], todo: &mut [ActionItem], asked: &mut Vec<Finding>) {
    let ids = closed.iter().map(|id| id.trim_matches(|c: char| !c.is_alphanumeric()).to_ascii_lowercase());
    let closed: Vec<String> = ids.filter(|id| known.iter().any(|shown| shown.id == *id)).collect();
    let number =
        |id: &String, letter: char| -> Option<usize> { id.strip_prefix(letter)?.parse::<usize>().ok()?.checked_sub(1) };
    for at in closed.iter().filter_map(|id| number(id, 't')) {
        if let Some(item) = todo.get_mut(at) {
            item.status = ActionStatus::Done;
        }
    }
    let answered: Vec<usize> = closed.iter().filter_map(|id| number(id, 'q')).collect();
    let mut at = 0;
    asked.retain(|_| {
        at += 1;
        !answered.contains(&(at - 1))
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(text: &str) -> ActionItem {
        ActionItem { text: text.to_owned(), owner: None, due: None, status: ActionStatus::Open, evidence: vec![1] }
    }

    fn part(messages: u64, mood: i64, items: usize) -> Part {
        let todo = (0..items).map(|n| item(&format!("item {n}"))).collect();
        Part { messages, mood, about: "Words.".into(), keywords: vec!["Plan".into()], todo, ..Part::default() }
    }

    #[test]
    fn parts_add_up_and_stay_bounded() {
        let mut dropped = Vec::new();
        let whole = Part::side_by_side(&[part(30, 100, 20), part(10, -300, 20)], &mut dropped);
        assert_eq!((whole.messages, whole.mood, whole.todo.len()), (40, 0, ITEMS));
        assert_eq!(whole.about, "Words. Words.");
        assert_eq!(whole.keywords, ["Plan"]);
        assert_eq!(whole.todo.last().unwrap().text, "item 19", "the newest stay");
        assert_eq!(dropped, [Dropped { part: DroppedPart::ActionItem, reason: DropReason::TooMany, count: 16 }]);
        assert_eq!(Part::read(&whole.gist().unwrap()).unwrap(), whole);
    }

    #[test]
    fn closed_ids_are_those_shown() {
        let mut todo = vec![item("a"), item("b")];
        let mut asked =
            vec![Finding { text: "x".into(), evidence: vec![1] }, Finding { text: "y".into(), evidence: vec![2] }];
        let known = ["t1", "t2", "q1"].map(|id| Shown { id: id.to_owned(), text: String::new() });
        let closed = ["T2", "(q1)", "q2", "q9", "t0", "b", "2"].map(str::to_owned);
        close(&closed, &known, &mut todo, &mut asked);
        assert_eq!(todo.iter().map(|item| item.status).collect::<Vec<_>>(), [ActionStatus::Open, ActionStatus::Done]);
        assert_eq!(asked.iter().map(|asked| &*asked.text).collect::<Vec<_>>(), ["y"]);
    }
}
