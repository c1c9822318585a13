//! A sentence made ready to be told: openers, hesitations, stutters and vocatives taken off.

use std::borrow::Cow;

use super::verbs::{is_base, is_proper};
use crate::{
    lexicon::Classes,
    text::{Document, End, Kind, Sentence, Token, clip},
};

/// Bytes of one token that is shown: links and code are cut here.
const SHOWN: usize = 60;
/// Words after which a sentence is cut, and how many at least stay before the cut.
const LONGEST: usize = 30;
const SHORTEST: usize = 14;

/// One word or mark.
#[derive(Clone, Debug)]
pub(super) struct Word<'t> {
    pub(super) text: &'t str,
    pub(super) lower: Cow<'t, str>,
    pub(super) kind: Kind,
    pub(super) spaced: bool,
    pub(super) classes: Classes,
    pub(super) rarity: u8,
}

impl Word<'_> {
    pub(super) fn is(&self, words: &[&str]) -> bool {
        words.contains(&&*self.lower)
    }

    pub(super) fn is_mark(&self) -> bool {
        self.kind == Kind::Mark
    }
}

/// A sentence without what is said around it.
#[derive(Debug)]
pub(super) struct Prepared<'t> {
    pub(super) words: Vec<Word<'t>>,
    pub(super) end: End,
    /// Who is called by name in it: an index of the document's authors.
    pub(super) called: Option<usize>,
    /// It opened with "please".
    pub(super) please: bool,
    /// It opened with a yes.
    pub(super) agrees: bool,
}

pub(super) fn prepare<'t>(document: &'t Document<'_>, sentence: &Sentence) -> Prepared<'t> {
    let text: &'t str = &document.messages[sentence.message].text;
    let mut words: Vec<Word<'t>> = document.tokens_of(sentence).iter().map(|token| word(token, text)).collect();
    let mut prepared = Prepared { words: Vec::new(), end: sentence.end, called: None, please: false, agrees: false };
    while words.last().is_some_and(|word| {
        word.is_mark() && !matches!(word.text, ")" | "\"" | "”" | "%" | "€" | "]") || word.kind == Kind::Emoji
    }) {
        words.pop();
    }
    settle(&mut words);
    prepared.words = words;
    prepared.strip_front(document);
    prepared.strip_back(document);
    prepared.resolve(document, sentence);
    prepared.shorten();
    prepared
}

fn word<'t>(token: &Token, text: &'t str) -> Word<'t> {
    let whole = token.text(text);
    let shown = clip(whole, SHOWN);
    let lower = if shown.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(shown.to_ascii_lowercase())
    } else {
        Cow::Borrowed(shown)
    };
    Word { text: shown, lower, kind: token.kind, spaced: token.spaced, classes: token.classes, rarity: token.rarity }
}

/// Drops hesitations and words said twice in a row, emoji and marks that then stand alone.
fn settle(words: &mut Vec<Word<'_>>) {
    let mut kept: Vec<Word<'_>> = Vec::with_capacity(words.len());
    for word in words.drain(..) {
        if word.kind == Kind::Emoji || word.classes.any(Classes::HESITATION) {
            continue;
        }
        if let Some(last) = kept.last() {
            let twice = last.kind == Kind::Word
                && last.lower == word.lower
                && !word.is(&["that", "had", "very", "really", "so", "many"]);
            let stray = word.is_mark() && last.is_mark() && matches!(word.text, "," | "." | "-");
            if twice || stray {
                continue;
            }
            // "we could we could": the pair again.
            let again = kept.len() >= 3
                && kept[kept.len() - 2].lower == word.lower
                && last.kind == Kind::Word
                && kept[kept.len() - 3].lower == last.lower
                && word.kind == Kind::Word;
            if again {
                kept.truncate(kept.len() - 1);
                continue;
            }
        }
        kept.push(word);
    }
    *words = kept;
}

impl<'t> Prepared<'t> {
    fn strip_front(&mut self, document: &Document<'_>) {
        let mut from = 0;
        while from < self.words.len() {
            let word = &self.words[from];
            let comma = self
                .words
                .get(from + 1)
                .is_some_and(|next| next.is_mark() && matches!(next.text, "," | "." | "!" | "-" | "…" | ":"));
            self.agrees |= word.is(&[
                "yes",
                "yeah",
                "yep",
                "yup",
                "sure",
                "ok",
                "okay",
                "agreed",
                "fine",
                "absolutely",
                "definitely",
            ]);
            if word.is_mark() && !matches!(word.text, "\"" | "“" | "(" | "$" | "€" | "£" | "#" | "[") {
                from += 1;
            } else if word.is(&["please"]) {
                self.please = true;
                from += 1;
            } else if is_filler(word)
                || self.leads_on(from)
                || comma && word.classes.any(Classes::OPENER.with(Classes::GREETING))
            {
                from += 1;
            } else if let Some(length) = self.phrase(from) {
                from += length;
            } else if let Some(author) = called(document, word).filter(|_| comma || word.kind == Kind::Mention) {
                self.called = Some(author);
                from += 1;
            } else if comma && is_vocative(word) {
                from += 1;
            } else if let Some((author, length)) = self.id_called(document, from) {
                self.called = Some(author);
                from += length;
            } else {
                break;
            }
        }
        self.words.drain(..from);
    }

    /// `dev_ann, can you …`: an id of several tokens that is called.
    fn id_called(&self, document: &Document<'_>, at: usize) -> Option<(usize, usize)> {
        let length = self.words[at..].iter().take(8).position(|word| word.text == ",")?;
        let id: String = self.words[at..at + length].iter().map(|word| word.text).collect();
        let author = document.authors.iter().position(|author| author.eq_ignore_ascii_case(&id))?;
        (length > 1).then_some((author, length))
    }

    /// "Then we go": the first word only joins what is said to what was.
    fn leads_on(&self, at: usize) -> bool {
        self.words[at].is(&["then"])
            && self.words.get(at + 1).is_some_and(|next| {
                next.is(&["we", "we'll", "i", "i'll", "it's", "that's", "let's", "they", "the", "you"])
            })
    }

    /// "The newsletter has to move. I'll reschedule it": puts the newsletter in the place of "it", where the
    /// sentence before names nothing else.
    fn resolve(&mut self, document: &'t Document<'_>, sentence: &Sentence) {
        const HEADS: [&str; 7] = ["i'll", "i", "we'll", "can", "could", "would", "will"];
        let opens = self.please || self.words.first().is_some_and(|word| word.is(&HEADS));
        let verb = |at: usize| is_base(&self.words[at].lower) || at == 1 && self.words[0].is(&["i'll", "we'll"]);
        let object = (1..self.words.len().min(6)).find(|at| self.words[*at].is(&["it"]) && verb(*at - 1));
        let Some(object) = object.filter(|_| opens) else { return };
        if let Some(named) = antecedent(document, sentence) {
            self.words.splice(object..=object, named);
        }
    }

    /// Length of a filler phrase at this place.
    fn phrase(&self, at: usize) -> Option<usize> {
        const PHRASES: [&[&str]; 21] = [
            &["i", "mean"],
            &["you", "know"],
            &["you", "see"],
            &["of", "course"],
            &["by", "the", "way"],
            &["in", "fact"],
            &["to", "be", "honest"],
            &["come", "on"],
            &["i", "see"],
            &["excuse", "me"],
            &["as", "you", "know"],
            &["i", "'m", "afraid"],
            &["that's", "right"],
            &["all", "right"],
            &["good", "morning"],
            &["good", "afternoon"],
            &["good", "evening"],
            &["you", "are", "right"],
            &["thank", "you"],
            &["never", "mind"],
            &["what", "do", "you", "say"],
        ];
        let opens = |phrase: &&&[&str]| {
            phrase
                .iter()
                .enumerate()
                .all(|(step, part)| self.words.get(at + step).is_some_and(|word| word.lower == *part))
        };
        let phrase = PHRASES.iter().find(opens)?;
        let after = self.words.get(at + phrase.len())?;
        (after.is_mark() && matches!(after.text, "," | "." | "-")
            || matches!(phrase[0], "of" | "i") && phrase[1] != "see" && phrase[1] != "'m")
            .then_some(phrase.len())
    }

    /// Cuts a long sentence where a clause ends, else at the limit.
    fn shorten(&mut self) {
        if self.words.len() <= LONGEST {
            return;
        }
        let clause = |at: &usize| {
            let word = &self.words[*at];
            word.is_mark() && matches!(word.text, "," | ";" | ":" | "-" | "–")
                || word.is(&["but", "because", "so", "which", "and", "though"])
        };
        let cut = (SHORTEST..LONGEST).rev().find(clause).unwrap_or(LONGEST);
        self.words.truncate(cut);
    }

    fn strip_back(&mut self, document: &Document<'_>) {
        while let [.., comma, last] = &self.words[..] {
            if !comma.is_mark() {
                break;
            }
            if let Some(author) = called(document, last) {
                self.called = self.called.or(Some(author));
            } else if !is_vocative(last)
                && !last.is(&[
                    "please", "right", "okay", "ok", "huh", "thanks", "though", "too", "actually", "you", "sir",
                    "madam", "ma'am", "dear", "honey", "man", "guys", "yeah", "no",
                ])
            {
                break;
            }
            self.please |= last.is(&["please"]);
            self.words.truncate(self.words.len() - 2);
        }
    }
}

/// The one thing that the sentence before, of the same message, names: "the" and up to three words before its verb.
fn antecedent<'t>(document: &'t Document<'_>, sentence: &Sentence) -> Option<Vec<Word<'t>>> {
    let message = &document.messages[sentence.message];
    let before = document.sentences[message.sentences.clone()]
        .iter()
        .rev()
        .find(|before| before.tokens.end <= sentence.tokens.start)?;
    let words: Vec<Word<'t>> = document.tokens_of(before).iter().map(|token| word(token, &message.text)).collect();
    let determiner = words.iter().position(|word| word.is(&["the"]))?;
    let led = words[..determiner].iter().all(|word| word.is_mark() || is_filler(word) || word.is(&["then", "also"]));
    let named = words[determiner + 1..]
        .iter()
        .take_while(|word| word.kind == Kind::Word && !word.classes.any(Classes::STOP_EN) && !word.is(&["needs"]))
        .count();
    let rest = &words[determiner + 1 + named..];
    let verb = rest.first().is_some_and(|word| {
        word.is(&["is", "was", "has", "needs", "must", "should", "isn't", "will", "can't", "doesn't"])
    });
    let else_named = rest.iter().any(|word| word.is(&["the", "a", "an", "my", "our", "your"]) || is_name(word));
    if !led || !verb || else_named || !(1..=3).contains(&named) {
        return None;
    }
    let mut found = words[determiner..=determiner + named].to_vec();
    found[0].text = "the";
    found[0].spaced = true;
    Some(found)
}

fn is_name(word: &Word<'_>) -> bool {
    word.kind == Kind::Word && word.text.chars().next().is_some_and(char::is_uppercase) && word.text != "I"
}

fn is_filler(word: &Word<'_>) -> bool {
    word.kind == Kind::Word
        && (word.classes.any(Classes::HESITATION)
            || word.is(&[
                "oh", "well", "and", "but", "so", "hey", "hi", "hello", "okay", "ok", "yeah", "yes", "yep", "yup",
                "alright", "anyway", "wow", "hmm", "because", "or", "ooh", "aha", "nope", "'cause", "cause",
            ]))
}

/// A name that is called and belongs to no author: "Hong, it seems …", "…, Dad".
fn is_vocative(word: &Word<'_>) -> bool {
    word.kind == Kind::Word
        && word.text.chars().next().is_some_and(char::is_uppercase)
        && !word.classes.any(Classes::STOP_EN.with(Classes::CHAT))
        && word.text.len() > 1
        && (is_proper(&word.lower)
            || word.is(&["dad", "mom", "mum", "mother", "father", "doctor", "professor", "mr"])
            || word.rarity > 26)
}

/// The author whose name, or first name, this word is.
fn called(document: &Document<'_>, word: &Word<'_>) -> Option<usize> {
    let name = match word.kind {
        Kind::Mention => word.text.get(1..)?,
        Kind::Word if word.text.chars().next().is_some_and(char::is_uppercase) => word.text,
        // Ids are written as they are.
        _ if document.authors.contains(&word.text) => word.text,
        _ => return None,
    };
    let same = |author: &&str| {
        author.eq_ignore_ascii_case(name)
            || author.split([' ', '_', '.', '-']).next().is_some_and(|first| first.eq_ignore_ascii_case(name))
    };
    let mut known = document.authors.iter().enumerate().filter(|(_, author)| same(author));
    let (found, _) = known.next()?;
    // Two of that name: nobody is named for sure.
    known.next().is_none().then_some(found)
}
