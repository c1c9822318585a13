//! Which open items a model is shown beside what is new, so that it can tell which of them are closed now.
//!
//! Law: what is shown of them costs a bounded share of what is new; what is not shown stays open.

use shared_insights::{ActionItem, ActionStatus, Finding, whole_values};

use super::part::shown;
use super::words::Terms;

/// Bytes of items that are shown however little is new,
const LEAST: usize = 160;
/// and of so many bytes that are new, one more.
const SHARE: usize = 10;
/// The most characters of one.
const LENGTH: usize = 120;

/// An item with the id by which a model names it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) id: String,
    pub(crate) text: String,
}

/// Those that what is new may speak of, the newest of these first, then the newest of the others, as many as there is
/// room for; in the order in which they stand.
pub(crate) fn chosen<'a>(
    todo: &[ActionItem],
    asked: &[Finding],
    news: impl Iterator<Item = &'a str> + Clone,
) -> Vec<Shown> {
    let tasks = (1..).zip(todo).filter(|(_, item)| item.status == ActionStatus::Open);
    let tasks = tasks.map(|(number, item)| (newest(&item.evidence), 't', number, shown(item)));
    let questions = (1..).zip(asked).map(|(number, asked)| (newest(&asked.evidence), 'q', number, asked.text.clone()));
    let mut open: Vec<(u64, char, usize, String)> = tasks.chain(questions).collect();
    if open.is_empty() {
        return Vec::new();
    }
    let room = LEAST + news.clone().map(str::len).sum::<usize>() / SHARE;
    let terms = Terms::of(news);
    let mut ranked: Vec<(bool, (u64, char, usize, String))> =
        open.drain(..).map(|item| (terms.relate(&item.3), item)).collect();
    ranked.sort_by(|(one, a), (other, b)| (other, b.0, b.2).cmp(&(one, a.0, a.2)));
    let mut used = 0;
    let mut kept: Vec<(char, usize, String)> = Vec::new();
    for (_, (_, letter, number, text)) in ranked {
        // Half a value could not be told for what it is, and would be shown.
        let cut = text.char_indices().nth(LENGTH).map_or(text.len(), |(end, _)| whole_values(&text, end));
        let text = text[..cut].to_owned();
        used += text.len();
        if used > room {
            break;
        }
        kept.push((letter, number, text));
    }
    kept.sort_by_key(|(letter, number, _)| (*letter != 't', *number));
    kept.into_iter().map(|(letter, number, text)| Shown { id: format!("{letter}{number}"), text }).collect()
}

fn newest(evidence: &[u64]) -> u64 {
    evidence.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Items that have no word in common but short ones.
    fn todo(count: u8) -> Vec<ActionItem> {
        let item = |n: u8| {
            let word = char::from(b'`' + n).to_string().repeat(80);
            let text = format!("Do {word} to it");
            ActionItem { text, owner: None, due: None, status: ActionStatus::Open, evidence: vec![n.into()] }
        };
        (1..=count).map(item).collect()
    }

    fn ids(shown: &[Shown]) -> Vec<&str> {
        shown.iter().map(|shown| shown.id.as_str()).collect()
    }

    #[test]
    fn what_may_be_closed_now_comes_before_what_is_newest() {
        let mut todo = todo(24);
        let asked = [Finding { text: "Who pays the plumber?".into(), evidence: vec![3] }];
        let seventh = format!("I am through with {}.", "g".repeat(80));
        let news = [&*seventh, "And I pay the plumber."];
        assert_eq!(ids(&chosen(&todo, &asked, news.into_iter())), ["t7", "q1"]);
        todo[6].status = ActionStatus::Done;
        let shown = chosen(&todo, &[], [&*seventh].into_iter());
        assert_eq!(ids(&shown), ["t24"], "what is done is not shown again");
    }

    #[test]
    fn their_cost_is_a_share_of_what_is_new() {
        let todo = todo(24);
        for news in [0, 1_000, 10_000] {
            let text = "9".repeat(news);
            let shown = chosen(&todo, &[], [text.as_str()].into_iter());
            let bytes: usize = shown.iter().map(|shown| shown.text.len()).sum();
            assert!(bytes <= LEAST + news / SHARE && !shown.is_empty(), "{bytes}");
            assert_eq!(shown.last().map(|shown| shown.id.as_str()), Some("t24"), "the newest is among them");
        }
        assert_eq!(chosen(&todo, &[], ["9".repeat(40_000).as_str()].into_iter()).len(), 24);
        assert_eq!(chosen(&[], &[], ["x"].into_iter()), []);
    }
}
