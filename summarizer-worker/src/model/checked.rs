//! All checks of one answer.
//!
//! Law: what passes is harmless, rests on what the model was shown, and does not speak of what it was told to do.

use shared::domain::{DropReason, Dropped, DroppedPart};
use shared::ports::SummaryMessage;
use shared_insights::whole_values;

use super::evidence::Evidence;
use super::ground::Ground;
use super::language::differs;
use super::neutral::{Neutralized, neutral, neutral_line};
use super::part::{ABOUT, FINDINGS, ITEMS, KEYWORDS, Part, drop_some, newest};
use super::reply::Answer;
use super::words::{folded, related, sentences, words};

/// Characters of the brief text,
const BRIEF: usize = 800;
/// of the detailed one,
const DETAILED: usize = 6_000;
/// and of a keyword.
const KEYWORD: usize = 48;
/// So many words in a row that stand in the orders are no chance.
const LEAKED: usize = 7;

/// The texts of an answer: brief, detailed, about.
pub(crate) type Texts = [String; 3];

/// What an answer is checked against.
pub(crate) struct Checks<'a> {
    lines: &'a [SummaryMessage],
    ground: Ground,
    mark: String,
    /// The words of the orders.
    orders: Vec<String>,
}

/// What passed.
pub(crate) struct Checked {
    pub(crate) brief: String,
    pub(crate) detailed: String,
    /// What it says about the lines that were shown.
    pub(crate) part: Part,
    pub(crate) dropped: Vec<Dropped>,
}

impl<'a> Checks<'a> {
    pub(crate) fn new(lines: &'a [SummaryMessage], ground: Ground, role: &str, mark: String) -> Self {
        let orders = words(role).into_iter().map(|word| folded(word.text)).collect();
        Self { lines, ground, mark, orders }
    }

    /// Whether the answer is in another language than the lines that it is about.
    pub(crate) fn of_another_language(&self, answer: &Answer) -> bool {
        [&answer.brief, &answer.notes.about].into_iter().any(|text| self.is_foreign(text))
    }

    /// Whether a text is in another language than the lines.
    pub(crate) fn is_foreign(&self, text: &str) -> bool {
        let said: Vec<&str> = self.lines.iter().map(|line| &*line.content).collect();
        differs(&said.join("\n"), text)
    }

    /// The texts, made harmless but not yet checked.
    #[expect(clippy::unused_self, reason = "the texts belong to these checks")]
    pub(crate) fn texts(&self, answer: &Answer) -> Texts {
        let mut taken = Neutralized::default();
        [
            neutral_line(&answer.brief, BRIEF, &mut taken),
            cut(neutral(&answer.detailed, &mut taken), DETAILED),
            neutral_line(&answer.notes.about, ABOUT, &mut taken),
        ]
    }

    /// Words of the texts that stand nowhere.
    pub(crate) fn unfounded(&self, texts: &Texts) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for word in texts.iter().flat_map(|text| self.ground.unfounded(text)) {
            if !found.contains(&word) {
                found.push(word);
            }
        }
        found.truncate(40);
        found
    }

    /// Takes repaired texts in place of those that needed it; a text that got longer or lost is not a repair.
    pub(crate) fn repaired(&self, texts: &mut Texts, repaired: &[String]) {
        let mut taken = Neutralized::default();
        for (text, repaired) in texts.iter_mut().zip(repaired) {
            let repaired = neutral(repaired, &mut taken);
            let better = self.ground.unfounded(&repaired).len() < self.ground.unfounded(text).len();
            if better && repaired.len() <= text.len() + text.len() / 4 {
                *text = repaired;
            }
        }
    }

    /// What is left of an answer.
    pub(crate) fn done(&self, answer: &Answer, texts: Texts) -> Checked {
        let mut evidence = Evidence::new(self.lines);
        let mut todo = evidence.todo(&answer.notes.todo);
        let mut decided = evidence.findings(&answer.notes.decided, DroppedPart::Decision);
        let mut asked = evidence.findings(&answer.notes.asked, DroppedPart::Question);
        let mut dropped = std::mem::take(&mut evidence.dropped);
        todo.retain(|item| self.sound(&item.text, DroppedPart::ActionItem, &mut dropped));
        decided.retain(|finding| self.sound(&finding.text, DroppedPart::Decision, &mut dropped));
        asked.retain(|finding| self.sound(&finding.text, DroppedPart::Question, &mut dropped));
        newest(&mut todo, ITEMS, DroppedPart::ActionItem, &mut dropped);
        newest(&mut decided, FINDINGS, DroppedPart::Decision, &mut dropped);
        newest(&mut asked, FINDINGS, DroppedPart::Question, &mut dropped);
        let mut taken = evidence.neutralized;
        let keywords = self.keywords(&answer.notes.keywords, &mut taken, &mut dropped);
        // Counted once for the answer, whatever a repair has taken away meanwhile.
        neutral(&format!("{}\n{}\n{}", answer.brief, answer.detailed, answer.notes.about), &mut taken);
        drop_some(&mut dropped, DroppedPart::Markup, DropReason::Unsafe, taken.0 as usize);
        let [brief, detailed, about] = texts.map(|text| self.text(&text, &mut dropped));
        let messages = self.lines.len() as u64;
        let part = Part { messages, about, mood: answer.notes.mood, keywords, todo, decided, asked };
        Checked { brief, detailed, part, dropped }
    }

    /// A part with what of a text and of keywords that passed rests on these lines too, which are some of those shown.
    pub(crate) fn narrowed(&self, part: Part, about: &str, keywords: &[String], dropped: &mut Vec<Dropped>) -> Part {
        // A keyword that stands in other lines is not lost.
        let keywords = self.keywords(keywords, &mut Neutralized::default(), &mut Vec::new());
        let about = neutral_line(&self.text(about, dropped), ABOUT, &mut Neutralized::default());
        Part { about, keywords, ..part }
    }

    /// Whether nothing in a text stands nowhere.
    pub(crate) fn founds(&self, text: &str) -> bool {
        self.ground.unfounded(text).is_empty()
    }

    /// A text without sentences that fail.
    fn text(&self, text: &str, dropped: &mut Vec<Dropped>) -> String {
        let mut kept = String::with_capacity(text.len());
        for sentence in sentences(text) {
            if self.leaks(sentence) {
                drop_some(dropped, DroppedPart::Sentence, DropReason::Instructions, 1);
            } else {
                kept.push_str(sentence);
            }
        }
        let (kept, gone) = self.ground.founded(&kept);
        drop_some(dropped, DroppedPart::Sentence, DropReason::Unfounded, gone);
        kept
    }

    /// Whether an item may be shown.
    fn sound(&self, text: &str, part: DroppedPart, dropped: &mut Vec<Dropped>) -> bool {
        if self.leaks(text) {
            drop_some(dropped, part, DropReason::Instructions, 1);
            return false;
        }
        if !self.founds(text) {
            drop_some(dropped, part, DropReason::Unfounded, 1);
            return false;
        }
        true
    }

    fn keywords(&self, keywords: &[String], taken: &mut Neutralized, dropped: &mut Vec<Dropped>) -> Vec<String> {
        let mut kept: Vec<String> = Vec::new();
        for keyword in keywords {
            let keyword = neutral_line(keyword, KEYWORD, taken);
            let founded =
                self.ground.speaks_of(&keyword) || self.lines.iter().any(|line| related(&keyword, &line.content));
            if keyword.is_empty() || !founded {
                drop_some(dropped, DroppedPart::Keyword, DropReason::Unfounded, 1);
            } else if !kept.iter().any(|known| known.eq_ignore_ascii_case(&keyword)) {
                kept.push(keyword);
            }
        }
        kept.truncate(KEYWORDS);
        kept
    }

    /// Whether a text gives away the mark or repeats the orders.
    fn leaks(&self, text: &str) -> bool {
        if text.contains(&self.mark) {
            return true;
        }
        let said: Vec<String> = words(text).into_iter().map(|word| folded(word.text)).collect();
        said.windows(LEAKED).any(|run| self.orders.windows(LEAKED).any(|orders| orders == run))
    }
}

fn cut(mut text: String, most: usize) -> String {
    if text.len() > most {
        text.truncate(whole_values(&text, most));
    }
    text
}
