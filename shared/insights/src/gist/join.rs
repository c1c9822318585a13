//! Gists and a document added up: everything but the choice of sentences.

use std::{cmp::Reverse, collections::HashMap};

use super::{FINDINGS, Gist, PHRASES, Point, TASKS, TERMS, Term, VOICES, Voice};
use crate::{
    actions::{Findings, find},
    keywords::{Phrase, phrase_key, phrases},
    lexicon::{Classes, HashedMap, entry, fold_hash},
    sentiment::{MessageReader, Mood, thousandths},
    summary::heard,
    text::{Document, Tally, plain, stem_hash},
};

/// The statistics of a whole conversation.
#[derive(Debug, Default)]
pub(crate) struct Whole {
    pub(crate) messages: u64,
    pub(crate) words: u64,
    pub(crate) hesitations: u32,
    pub(crate) tally: Tally,
    pub(crate) mood: Mood,
    pub(crate) voices: Vec<Voice>,
    pub(crate) terms: Vec<Term>,
    pub(crate) phrases: Vec<Phrase>,
    pub(crate) findings: Findings,
    /// The newest message's author and first words.
    pub(crate) excerpt: Option<(String, String)>,
    index: Index,
}

/// Places by key. For look-ups only: no order of theirs is ever seen.
#[derive(Debug, Default)]
struct Index {
    terms: HashedMap<usize>,
    phrases: HashedMap<usize>,
    voices: HashMap<String, usize>,
}

/// Adds up gists, oldest first, and the messages after them.
pub(crate) fn join(gists: &[Gist], document: &Document<'_>) -> Whole {
    let mut whole = Whole::default();
    for gist in gists {
        whole.add_gist(gist);
    }
    whole.add_document(document);
    whole
}

impl Whole {
    fn add_gist(&mut self, gist: &Gist) {
        for term in &gist.terms {
            let hash = fold_hash(&term.word);
            let known = entry(hash);
            let content = !known.classes.any(Classes::CHAT);
            self.add_term(stem_hash(&term.word, hash), known.rarity, content, term.count, || term.word.clone());
        }
        for phrase in &gist.phrases {
            self.add_phrase(Phrase {
                first: phrase.first + self.words,
                key: phrase_key(&phrase.text),
                ..phrase.clone()
            });
        }
        for voice in &gist.voices {
            self.add_voice(&voice.name, voice.messages, voice.heard.as_ref());
        }
        self.findings.append(&gist.findings, self.messages);
        self.messages += gist.messages;
        self.words += gist.words;
        self.hesitations += gist.hesitations;
        self.tally.join(&gist.tally);
        self.mood.join(gist.mood);
    }

    fn add_document(&mut self, document: &Document<'_>) {
        let heard = heard(document);
        for message in &document.messages {
            let mut reader = MessageReader::new();
            for token in &document.tokens[message.tokens.clone()] {
                reader.read(token, &message.text);
                if token.is_term() {
                    let word = token.text(&message.text);
                    let content = token.is_content() && !document.is_name(token.hash);
                    self.add_term(token.stem(&message.text), token.rarity, content, 1, || {
                        plain(&word.to_lowercase(), 40)
                    });
                }
            }
            self.mood.add(reader.score().class);
            self.add_voice(&plain(document.authors[message.author], 40), 1, heard[message.author].as_ref());
        }
        for phrase in phrases(document) {
            self.add_phrase(Phrase { first: phrase.first + self.words, ..phrase });
        }
        self.findings.append(&find(document), self.messages);
        self.messages += document.messages.len() as u64;
        self.words += u64::from(document.tally.words);
        self.hesitations += document.hesitations;
        self.tally.join(&document.tally);
        if let Some(last) = document.messages.last() {
            self.excerpt = Some((plain(document.authors[last.author], 60), plain(&last.text, 120)));
        }
    }

    fn add_term(&mut self, stem: u64, rarity: u8, content: bool, times: u32, word: impl FnOnce() -> String) {
        let next = self.terms.len();
        let at = *self.index.terms.entry(stem).or_insert(next);
        if at == next {
            self.terms.push(Term { word: word(), count: 0, stem, rarity, content });
        }
        self.terms[at].count += times;
    }

    fn add_phrase(&mut self, phrase: Phrase) {
        let next = self.phrases.len();
        let at = *self.index.phrases.entry(phrase.key).or_insert(next);
        if at == next {
            self.phrases.push(phrase);
        } else {
            self.phrases[at].count += phrase.count;
        }
    }

    fn add_voice(&mut self, name: &str, messages: u64, heard: Option<&String>) {
        if let Some(at) = self.index.voices.get(name) {
            let voice = &mut self.voices[*at];
            voice.messages += messages;
            voice.heard = voice.heard.take().or_else(|| heard.cloned());
            return;
        }
        self.index.voices.insert(name.to_owned(), self.voices.len());
        self.voices.push(Voice { name: name.to_owned(), messages, heard: heard.cloned() });
    }

    /// Ids with the names heard for them, in a conversation of two.
    pub(crate) fn heard(&self) -> Vec<(String, String)> {
        if self.voices.len() != 2 {
            return Vec::new();
        }
        self.voices.iter().filter_map(|voice| Some((voice.name.clone(), voice.heard.clone()?))).collect()
    }

    /// Whether this is speech written down, as `Document::is_speech`.
    pub(crate) fn is_speech(&self) -> bool {
        self.hesitations * 100 > self.tally.words && self.hesitations >= 5 && self.messages >= 20
    }

    /// The best phrases, as shown.
    pub(crate) fn keywords(&self, n: usize) -> Vec<String> {
        self.ranked().into_iter().take(n).map(|phrase| phrase.text.clone()).collect()
    }

    fn ranked(&self) -> Vec<&Phrase> {
        let mut ranked: Vec<&Phrase> = self.phrases.iter().collect();
        let score = |phrase: &Phrase| thousandths(phrase.score(self.words));
        ranked.sort_by(|one, other| {
            score(other).cmp(&score(one)).then(one.first.cmp(&other.first)).then_with(|| one.text.cmp(&other.text))
        });
        ranked
    }

    pub(crate) fn into_gist(mut self, points: Vec<Point>) -> Gist {
        let phrases = self.ranked().into_iter().take(PHRASES).cloned().collect();
        self.terms.sort_by_cached_key(|term| {
            (Reverse(term.count * u32::from(term.rarity) * (1 + u32::from(term.content))), term.word.clone())
        });
        self.terms.truncate(TERMS);
        self.voices.sort_by_key(|voice| Reverse(voice.messages));
        self.voices.truncate(VOICES);
        Gist {
            messages: self.messages,
            words: self.words,
            hesitations: self.hesitations,
            tally: self.tally,
            mood: self.mood,
            voices: self.voices,
            terms: self.terms,
            phrases,
            points,
            findings: self.findings.bounded(TASKS, FINDINGS),
        }
    }
}
