//! Items checked against the messages that they cite.
//!
//! Law: an item stays only if it cites messages that the model was shown and shares a name, a number or a key term
//! with them; an owner only if a cited message names them or is theirs; a date only if its words stand there and lead
//! to a day by the message's own time.

use shared::domain::{DropReason, Dropped, DroppedPart};
use shared::ports::SummaryMessage;
use shared_insights::{ActionItem, ActionStatus, Due, Finding};

use super::neutral::{Neutralized, neutral_line};
use super::part::drop_some;
use super::reply::Item;
use super::words::{folded, related, words};

/// Characters of an item.
const TEXT: usize = 200;
/// Messages that an item may cite.
const CITED: usize = 8;

/// Checks items against the messages that the model was shown.
pub(crate) struct Evidence<'a> {
    lines: &'a [SummaryMessage],
    pub(crate) dropped: Vec<Dropped>,
    pub(crate) neutralized: Neutralized,
}

impl<'a> Evidence<'a> {
    /// Over lines as they were shown: numbered from 1.
    pub(crate) fn new(lines: &'a [SummaryMessage]) -> Self {
        Self { lines, dropped: Vec::new(), neutralized: Neutralized::default() }
    }

    pub(crate) fn todo(&mut self, items: &[Item]) -> Vec<ActionItem> {
        let mut kept = Vec::new();
        for item in items {
            let Some((text, cited)) = self.checked(item, DroppedPart::ActionItem) else { continue };
            let owner = self.owner(&item.who, &cited);
            let due = self.due(&item.due, &cited);
            let evidence = cited.iter().map(|line| line.seq.0).collect();
            kept.push(ActionItem { text, owner, due, status: ActionStatus::Open, evidence });
        }
        kept
    }

    pub(crate) fn findings(&mut self, items: &[Item], part: DroppedPart) -> Vec<Finding> {
        let mut kept = Vec::new();
        for item in items {
            let Some((text, cited)) = self.checked(item, part) else { continue };
            kept.push(Finding { text, evidence: cited.iter().map(|line| line.seq.0).collect() });
        }
        kept
    }

    /// The harmless text and the lines that carry it.
    fn checked(&mut self, item: &Item, part: DroppedPart) -> Option<(String, Vec<&'a SummaryMessage>)> {
        let text = neutral_line(&item.text, TEXT, &mut self.neutralized);
        let cited: Vec<&SummaryMessage> = item.at.iter().filter_map(|number| self.line(*number)).take(CITED).collect();
        let mut drop = |reason| drop_some(&mut self.dropped, part, reason, 1);
        if cited.is_empty() {
            drop(DropReason::NoEvidence);
            return None;
        }
        let carries: Vec<&SummaryMessage> = cited
            .into_iter()
            .filter(|line| related(&text, &line.content) || related(&text, line.user.as_str()))
            .collect();
        if carries.is_empty() || text.is_empty() {
            drop(DropReason::Unrelated);
            return None;
        }
        Some((text, carries))
    }

    fn line(&self, number: u64) -> Option<&'a SummaryMessage> {
        self.lines.get(usize::try_from(number).ok()?.checked_sub(1)?)
    }

    fn owner(&mut self, who: &str, cited: &[&SummaryMessage]) -> Option<String> {
        let who = who.trim();
        if who.is_empty() {
            return None;
        }
        if let Some(line) = cited.iter().find(|line| same_name(who, line.user.as_str())) {
            return Some(line.user.as_str().to_owned());
        }
        let names: Vec<String> = words(who).into_iter().map(|word| folded(word.text)).collect();
        let is_named = |line: &&&SummaryMessage| {
            let said: Vec<String> = words(&line.content).into_iter().map(|word| folded(word.text)).collect();
            !names.is_empty() && names.iter().all(|name| said.contains(name))
        };
        if cited.iter().any(|line| is_named(&line)) {
            return Some(neutral_line(who, 80, &mut self.neutralized));
        }
        drop_some(&mut self.dropped, DroppedPart::Owner, DropReason::Unfounded, 1);
        None
    }

    fn due(&mut self, asked: &str, cited: &[&SummaryMessage]) -> Option<Due> {
        let wanted = asked.trim().to_lowercase();
        if wanted.is_empty() {
            return None;
        }
        let line = cited.iter().find(|line| line.content.to_lowercase().contains(&wanted));
        let Some(line) = line else {
            drop_some(&mut self.dropped, DroppedPart::Due, DropReason::Unfounded, 1);
            return None;
        };
        let due = shared_insights::due(asked.trim(), line.timestamp.as_millis());
        if due.is_none() {
            drop_some(&mut self.dropped, DroppedPart::Due, DropReason::Unresolved, 1);
        }
        due.map(|due| Due { date: due.date, words: neutral_line(asked, 80, &mut self.neutralized) })
    }
}

fn same_name(one: &str, other: &str) -> bool {
    folded(one) == folded(other)
}

#[cfg(test)]
mod tests {
    use shared::domain::{Seq, Timestamp, UserId};

    use super::*;

    fn lines() -> Vec<SummaryMessage> {
        let said = [
            ("anna", "Ben, can you fix the payment test by Friday?"),
            ("ben", "Yes, I will."),
            ("carla", "Nice weather."),
        ];
        let line = |(n, (user, content)): (usize, &(&str, &str))| SummaryMessage {
            seq: Seq(n as u64 + 10),
            user: UserId::parse(*user).unwrap(),
            content: (*content).into(),
            timestamp: Timestamp::parse("2026-03-04T12:00:00Z").unwrap(),
        };
        said.iter().enumerate().map(line).collect()
    }

    fn item(text: &str, who: &str, due: &str, at: &[u64]) -> Item {
        Item { text: text.into(), who: who.into(), due: due.into(), at: at.to_vec() }
    }

    #[test]
    fn what_stands_in_the_messages_stays() {
        let lines = lines();
        let mut evidence = Evidence::new(&lines);
        let found = evidence.todo(&[item("Fix the payment test", "Ben", "by Friday", &[1, 2])]);
        assert_eq!(found[0].owner.as_deref(), Some("Ben"));
        assert_eq!(found[0].due, Some(Due { date: "2026-03-06".into(), words: "by Friday".into() }));
        assert_eq!(found[0].evidence, [10], "the line that carries it");
        assert!(evidence.dropped.is_empty());
    }

    #[test]
    fn what_does_not_is_dropped_and_counted() {
        let lines = lines();
        let mut evidence = Evidence::new(&lines);
        let items = [
            item("Fix the payment test", "", "", &[0, 10, u64::MAX]),
            item("Fix the payment test", "", "", &[]),
            item("Buy gift cards", "", "", &[1]),
            item("Fix the payment test", "Carla", "by Monday", &[1]),
            item("Enjoy the weather", "carla", "Nice", &[3]),
        ];
        let found = evidence.todo(&items);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].owner.as_deref(), &found[0].due), (None, &None));
        assert_eq!(found[1].owner.as_deref(), Some("carla"));
        let mut reasons: Vec<(DroppedPart, DropReason, u32)> =
            evidence.dropped.iter().map(|dropped| (dropped.part, dropped.reason, dropped.count)).collect();
        reasons.sort_by_key(|(part, _, count)| (*part, std::cmp::Reverse(*count)));
        assert_eq!(
            reasons,
            [
                (DroppedPart::ActionItem, DropReason::NoEvidence, 2),
                (DroppedPart::ActionItem, DropReason::Unrelated, 1),
                (DroppedPart::Owner, DropReason::Unfounded, 1),
                (DroppedPart::Due, DropReason::Unfounded, 1),
                (DroppedPart::Due, DropReason::Unresolved, 1),
            ]
        );
    }
}
