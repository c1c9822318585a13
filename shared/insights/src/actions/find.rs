//! Finds action items, decisions and questions in a document.

use serde::{Deserialize, Serialize};

use super::{
    ActionItem, ActionStatus, Finding, cues,
    due::due,
    owner::owner,
    replies::{self, Closing, Reply},
    speech, weights,
};
use crate::{
    summary::{task_text, told},
    text::{Document, End, Language, Sentence, plain},
};

/// Bytes of a finding's text.
const TEXT: usize = 220;
/// Log odds in hundredths from which a sentence is work for someone.
const EDGE: i32 = -20;
/// What a cue is worth, and what a cue with an owner is.
const CUED: i32 = 60;
const SURE: i32 = 250;
/// Messages after a question in which its answer is looked for.
const REACH: usize = 3;

/// An action item with what ranking and settling need to know of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Task {
    #[serde(flatten)]
    pub(crate) item: ActionItem,
    /// Who said it first.
    pub(crate) by: String,
    /// How surely it is work.
    #[serde(rename = "w")]
    pub(crate) weight: i32,
    /// Messages of the stretch before it.
    #[serde(rename = "p")]
    pub(crate) place: u64,
    /// Found by the rules for speech.
    #[serde(rename = "s", default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) spoken: bool,
}

/// Something that says of an earlier task that it is done or not wanted any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settled {
    pub(crate) seq: u64,
    pub(crate) by: String,
    pub(crate) status: ActionStatus,
    /// Its words, for finding what it speaks of.
    pub(crate) words: String,
}

/// A question without an answer so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Asked {
    #[serde(flatten)]
    pub(crate) finding: Finding,
    pub(crate) by: String,
    /// The stretch ended before others could answer.
    #[serde(rename = "p", default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) pending: bool,
}

/// What a stretch of conversation leaves to be done, settled or unanswered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Findings {
    pub(crate) tasks: Vec<Task>,
    pub(crate) settled: Vec<Settled>,
    pub(crate) decisions: Vec<Finding>,
    pub(crate) asked: Vec<Asked>,
    /// Who begins, and whether that may answer what came before.
    pub(crate) first: Option<(String, bool)>,
}

/// The findings of a document, in order.
pub(crate) fn find(document: &Document<'_>) -> Findings {
    let mut findings = Findings::default();
    if let Some(first) = document.messages.first() {
        findings.first = Some((plain(document.authors[first.author], 40), replies::reply(document, 0) != Reply::Asks));
    }
    let speech = document.is_speech();
    if speech {
        findings.tasks = speech::tasks(document);
    }
    for (at, sentence) in document.sentences.iter().enumerate() {
        findings.read(document, at, sentence, speech);
    }
    findings
}

impl Findings {
    fn read(&mut self, document: &Document<'_>, at: usize, sentence: &Sentence, speech: bool) {
        let message = &document.messages[sentence.message];
        let tokens = document.tokens_of(sentence);
        let author = document.authors[message.author];
        if let Some(closing) = replies::closing(tokens, &message.text, sentence.end) {
            let status = if closing == Closing::Done { ActionStatus::Done } else { ActionStatus::Superseded };
            let words = plain(document.text_of(sentence), 80);
            let settled = Settled { seq: message.seq, by: plain(author, 40), status, words };
            if settled.apply(&mut self.tasks) {
                return;
            }
            self.settled.push(settled);
        }
        if cues::seals(tokens, &message.text) && self.sealed(document, at) || sentence.words < 3 {
            return;
        }
        if cues::decides(tokens, &message.text) && sentence.end != End::Question && sentence.words > 3 {
            self.decide(document, sentence);
            if !cues::asks_for_work(tokens, &message.text, sentence.end) {
                return;
            }
        } else if !speech
            && cues::proposes(tokens, &message.text)
            && let Some(agreed) = agreed(document, sentence)
        {
            self.decisions.push(agreed);
            return;
        }
        if speech {
            if cues::open_issue(tokens, &message.text, sentence.end) {
                self.ask(document, sentence);
            }
            return;
        }
        let wants =
            cues::asks_for_work(tokens, &message.text, sentence.end) || cues::foreign_request(tokens, &message.text);
        let owned = owner(document, sentence).is_some();
        let wants = wants || owned && cues::commits(tokens, &message.text);
        // In a dialogue much that sounds like work is talk about the talk: it takes a cue, or a sure sign.
        let bonus = match (wants, owned) {
            (true, true) => SURE,
            (true, false) => CUED,
            (false, _) if document.authors.len() > 1 => -SURE,
            (false, _) => 0,
        };
        let weight = weights::weight(tokens, &message.text) + bonus;
        let english = document.language() == Language::English;
        let answered = sentence.end == End::Question && !wants && answered(document, sentence.message);
        if weight >= EDGE && english && !answered || wants && !english {
            self.task(document, at, sentence, weight);
        } else if sentence.end == End::Question && !wants {
            self.ask(document, sentence);
        }
    }

    /// The sentence before this one, of the same message, is what was decided; whether there is one.
    fn sealed(&mut self, document: &Document<'_>, at: usize) -> bool {
        let Some(before) = at.checked_sub(1).map(|before| &document.sentences[before]) else { return false };
        let seq = document.messages[before.message].seq;
        let known = self.decisions.last().is_some_and(|last| last.evidence == [seq]);
        if before.message != document.sentences[at].message || before.end == End::Question || before.words < 4 || known
        {
            return known;
        }
        self.decide(document, before);
        true
    }

    fn decide(&mut self, document: &Document<'_>, sentence: &Sentence) {
        let message = &document.messages[sentence.message];
        let text = outcome(&told(document, sentence), document.authors[message.author]);
        self.decisions.push(Finding { text, evidence: vec![message.seq] });
    }

    fn task(&mut self, document: &Document<'_>, at: usize, sentence: &Sentence, weight: i32) {
        let message = &document.messages[sentence.message];
        let tokens = document.tokens_of(sentence);
        let author = plain(document.authors[message.author], 40);
        // "I'll do it" takes on what was asked just before.
        if cues::takes_on(tokens, &message.text) {
            let open = self.tasks.iter_mut().rev().take(8).find(|task| {
                task.item.owner.as_ref().is_none_or(|owner| *owner == author)
                    && task.item.status == ActionStatus::Open
                    && task.by != author
                    && task.place + 4 > sentence.message as u64
            });
            if let Some(task) = open {
                task.item.owner = Some(author);
                push_seq(&mut task.item.evidence, message.seq);
                return;
            }
        }
        let mut evidence = vec![message.seq];
        let mut owner = owner(document, sentence);
        if owner.is_none()
            && cues::is_request(tokens, &message.text, sentence.end)
            && let Some(next) = accepted(document, sentence.message)
        {
            owner = Some(plain(document.authors[document.messages[next].author], 40));
            evidence.push(document.messages[next].seq);
        }
        let item = ActionItem {
            text: task_text(document, &document.sentences[at]),
            owner,
            due: due(tokens, &message.text, message.at_ms),
            status: ActionStatus::Open,
            evidence,
        };
        // One message is one item, unless its sentences name other people or days.
        let said = |last: &&Task| {
            last.item.evidence[0] == message.seq
                && last.item.owner == item.owner
                && (item.due.is_none() || last.item.due == item.due)
                && weight < last.weight
        };
        if self.tasks.last().is_some_and(|last| said(&last)) {
            return;
        }
        self.tasks.push(Task { item, by: author, weight, place: sentence.message as u64, spoken: false });
    }

    fn ask(&mut self, document: &Document<'_>, sentence: &Sentence) {
        let message = &document.messages[sentence.message];
        if answered(document, sentence.message) || !cues::worth_asking(document.tokens_of(sentence), &message.text) {
            return;
        }
        let finding = Finding { text: told(document, sentence), evidence: vec![message.seq] };
        self.asked.push(Asked {
            finding,
            by: plain(document.authors[message.author], 40),
            pending: sentence.message + 1 == document.messages.len(),
        });
    }

    /// Takes in what comes after, whose first message is message number `place` of the whole.
    pub(crate) fn append(&mut self, later: &Self, place: u64) {
        if let Some((author, answers)) = &later.first {
            self.asked.retain(|asked| !(asked.pending && *answers && asked.by != *author));
            for asked in &mut self.asked {
                asked.pending = false;
            }
            self.first.get_or_insert_with(|| (author.clone(), *answers));
        }
        for settled in &later.settled {
            if !settled.apply(&mut self.tasks) {
                self.settled.push(settled.clone());
            }
        }
        self.tasks.extend(later.tasks.iter().map(|task| Task { place: task.place + place, ..task.clone() }));
        self.decisions.extend(later.decisions.iter().cloned());
        self.asked.extend(later.asked.iter().cloned());
    }
}

impl Settled {
    /// Settles the open task that this speaks of; whether there is one.
    fn apply(&self, tasks: &mut [Task]) -> bool {
        let Some(at) = super::settle::settles(&self.words, &self.by, self.seq, tasks) else { return false };
        tasks[at].item.status = self.status;
        push_seq(&mut tasks[at].item.evidence, self.seq);
        true
    }
}

fn push_seq(evidence: &mut Vec<u64>, seq: u64) {
    if !evidence.contains(&seq) {
        evidence.push(seq);
        evidence.sort_unstable();
    }
}

/// Whether someone else answers soon.
fn answered(document: &Document<'_>, message: usize) -> bool {
    let author = document.messages[message].author;
    for next in message + 1..document.messages.len().min(message + 1 + REACH) {
        if document.messages[next].author == author {
            continue;
        }
        match replies::reply(document, next) {
            Reply::Asks => {}
            Reply::Unsure => return false,
            Reply::Accepts | Reply::Other => return true,
        }
    }
    false
}

/// The next message, where it is someone else's and says yes.
fn accepted(document: &Document<'_>, message: usize) -> Option<usize> {
    let next = document.messages.get(message + 1)?;
    (next.author != document.messages[message].author && replies::reply(document, message + 1) == Reply::Accepts)
        .then_some(message + 1)
}

/// "Anna says it's decided: the group ships on Friday": what was decided, without who said so.
fn outcome(told: &str, author: &str) -> String {
    let Some((speaker, said)) = told.split_once(" says ") else { return told.to_owned() };
    let said = ["it's decided: ", "it's decided that ", "it's settled: "]
        .iter()
        .find_map(|opening| said.strip_prefix(opening))
        .unwrap_or(said);
    match said.strip_prefix("the group ") {
        Some(rest) if speaker.eq_ignore_ascii_case(author) => format!("The group {rest}"),
        _ => told.to_owned(),
    }
}

/// A proposal and who agrees, as one decision.
fn agreed(document: &Document<'_>, sentence: &Sentence) -> Option<Finding> {
    let next = accepted(document, sentence.message)?;
    let (one, other) = (&document.messages[sentence.message], &document.messages[next]);
    let proposal = told(document, sentence);
    let text = if document.language() == Language::English {
        format!("{}; {} agrees.", proposal.trim_end_matches('.'), plain(document.authors[other.author], 40))
    } else {
        proposal
    };
    Some(Finding { text: plain(&text, TEXT), evidence: vec![one.seq, other.seq] })
}
