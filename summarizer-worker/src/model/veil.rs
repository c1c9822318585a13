//! Values kept from the model: placeholders on the way to it, the values again in what it wrote.
//!
//! Law: a value of a kind that is switched on is in no question; the same value of a conversation has the same
//! placeholder in every call of a process; and a placeholder is put back only where its value was part of the same
//! question, so nobody learns of a value that their own conversation does not hold.

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};
use shared::domain::ConversationKey;
use shared_insights::{Sensitive, sensitive};

/// Letters of placeholders: none that is taken for another.
const LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
/// So many of them.
const LENGTH: usize = 6;
/// What a reader sees of a private key: that there was one.
const PRIVATE_KEY: &str = "[private key]";

/// What a model is told where a question holds placeholders.
pub(crate) const ORDERS: &str = "\nWords such as EMAIL-ABC234 stand for values that you are not shown. Copy them \
                                 letter by letter where you need them, and never make one up.";

/// Which values are kept from the model, and the key that placeholders are made with.
#[derive(Debug, Clone)]
pub(crate) struct Veils {
    kinds: Vec<Sensitive>,
    /// Of this process, and never stored: from a placeholder nobody can guess its value.
    key: [u8; 16],
}

impl Veils {
    pub(crate) fn new(kinds: &[Sensitive], key: [u8; 16]) -> Self {
        Self { kinds: kinds.to_vec(), key }
    }

    /// A veil over one question about a conversation.
    pub(crate) fn over(&self, conversation: &ConversationKey) -> Veil {
        let mut seed = Sha256::new();
        seed.update(self.key);
        for part in [conversation.tenant.as_str(), conversation.conversation.as_str()] {
            seed.update((part.len() as u64).to_be_bytes());
            seed.update(part);
        }
        Veil { kinds: self.kinds.clone(), seed, values: HashMap::new() }
    }
}

/// The placeholders of one question.
#[derive(Debug, Clone)]
pub(crate) struct Veil {
    kinds: Vec<Sensitive>,
    seed: Sha256,
    /// By placeholder.
    values: HashMap<String, String>,
}

impl Veil {
    /// Whether the question holds placeholders.
    pub(crate) fn hides_something(&self) -> bool {
        !self.values.is_empty()
    }

    /// A text as the model is shown it.
    pub(crate) fn cover(&mut self, text: &str) -> String {
        let mut covered = String::with_capacity(text.len());
        let mut at = 0;
        for span in sensitive(text, &self.kinds) {
            covered.push_str(&text[at..span.start]);
            covered.push_str(&self.placeholder(span.kind, &text[span.start..span.end]));
            at = span.end;
        }
        covered.push_str(&text[at..]);
        covered
    }

    fn placeholder(&mut self, kind: Sensitive, value: &str) -> String {
        // In one line, so that no sentence ends within.
        let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
        let line = if value.starts_with("-----BEGIN ") { PRIVATE_KEY.to_owned() } else { value.clone() };
        for round in 0_u32.. {
            let digest = self.seed.clone().chain_update(round.to_be_bytes()).chain_update(&value).finalize();
            let letters = digest.iter().take(LENGTH).map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
            let placeholder = format!("{}-{}", kind.as_str().to_ascii_uppercase(), letters.collect::<String>());
            // Two values with one placeholder are as rare as that, and then the second one gets another.
            if *self.values.entry(placeholder.clone()).or_insert_with(|| line.clone()) == line {
                return placeholder;
            }
        }
        String::new()
    }

    /// A text of the model with the values in place of their placeholders.
    pub(crate) fn lift(&self, text: &str) -> String {
        if self.values.is_empty() {
            return text.to_owned();
        }
        let upper = text.to_ascii_uppercase();
        let mut lifted = String::with_capacity(text.len());
        let mut done = 0;
        for (dash, _) in upper.match_indices('-') {
            let kind = upper[..dash].trim_end_matches(|c: char| c.is_ascii_uppercase()).len();
            let end = dash + 1 + LENGTH;
            let Some(value) = upper.get(kind..end).and_then(|placeholder| self.values.get(placeholder)) else {
                continue;
            };
            // Between other words only: joined to letters it might not be told for what it is the next time.
            let joined =
                text[..kind].ends_with(char::is_alphanumeric) || text[end..].starts_with(char::is_alphanumeric);
            if joined || kind < done {
                continue;
            }
            lifted.push_str(&text[done..kind]);
            lifted.push_str(value);
            done = end;
        }
        lifted.push_str(&text[done..]);
        lifted
    }
}

#[cfg(test)]
mod tests {
    use shared::domain::{ConversationId, TenantId};

    use super::*;

    fn veil(conversation: &str) -> Veil {
        let key = ConversationKey::new(TenantId::public(), ConversationId::parse(conversation).unwrap());
        Veils::new(&Sensitive::ALL, [7; 16]).over(&key)
    }

    #[test]
    fn values_come_back_where_their_placeholders_stand() {
        let mut veil = veil("a");
        let text = "Mail ada@example.org or +49 170 1234567, and ada@example.org again. password:\n hunter2!";
        let covered = veil.cover(text);
        for value in ["ada", "170", "hunter2"] {
            assert!(!covered.contains(value), "{covered}");
        }
        assert_eq!(covered.matches("EMAIL-").count(), 2);
        assert_eq!(veil.cover(text), covered, "the same value has the same placeholder");
        let lifted = "Mail ada@example.org or +49 170 1234567, and ada@example.org again. password: hunter2!";
        assert_eq!(veil.lift(&covered), lifted);
        assert_eq!(veil.lift(&covered.to_ascii_lowercase()).matches("ada@example.org").count(), 2);
        assert_eq!(veil.cover(lifted), covered, "what was put back is found again");
    }

    #[test]
    fn a_placeholder_of_another_conversation_stays_one() {
        let (mut mine, mut other) = (veil("a"), veil("b"));
        let (ours, theirs) = (mine.cover("ada@example.org"), other.cover("ada@example.org"));
        assert_ne!(ours, theirs);
        assert_eq!(other.lift(&ours), ours);
        assert_eq!(mine.lift("EMAIL-ZZZZZZ x-EMAIL"), "EMAIL-ZZZZZZ x-EMAIL");
        assert_eq!(mine.lift(&format!("x{ours} {ours}y {ours}'s")), format!("x{ours} {ours}y ada@example.org's"));
    }

    #[test]
    fn of_a_private_key_only_that_there_was_one() {
        let mut veil = veil("a");
        let covered = veil.cover("k:\n-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\nend");
        assert!(!covered.contains("MIIE") && covered.ends_with("\nend"), "{covered}");
        assert!(veil.lift(&covered).contains("[private key]"));
    }

    #[test]
    fn nothing_is_kept_back_unless_it_was_asked_for() {
        let key = ConversationKey::new(TenantId::public(), ConversationId::parse("a").unwrap());
        let mut veil = Veils::new(&[Sensitive::Card], [7; 16]).over(&key);
        let text = "ada@example.org pays with 4111 1111 1111 1111";
        let covered = veil.cover(text);
        assert!(covered.starts_with("ada@example.org pays with CARD-"), "{covered}");
        assert_eq!(veil.lift(&covered), text);
    }
}
