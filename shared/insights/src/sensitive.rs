//! Values in a text that name or open something: addresses, numbers of phones, cards and accounts, secrets.
//!
//! Law: what is found in a text is found again in every text that holds it between other words, so a value that was
//! put back into a sentence does not slip through the next time. Where one value touches another, both are one.

mod account;
mod email;
mod number;
mod phone;
mod secret;

/// A kind of value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Sensitive {
    /// Keys, tokens, passwords with their labels, addresses with a password in them, private keys.
    Secret,
    /// International account numbers with a right checksum.
    Iban,
    /// Card numbers with a right checksum.
    Card,
    /// Mail addresses.
    Email,
    /// Phone numbers in international form, and in national forms that nothing else looks like.
    Phone,
}

impl Sensitive {
    /// All of them; where two overlap, the first one names both.
    pub const ALL: [Self; 5] = [Self::Secret, Self::Iban, Self::Card, Self::Email, Self::Phone];

    /// As in settings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Iban => "iban",
            Self::Card => "card",
            Self::Email => "email",
            Self::Phone => "phone",
        }
    }

    fn find(self, text: &str, found: &mut Vec<(usize, usize)>) {
        match self {
            Self::Secret => secret::find(text, found),
            Self::Iban => account::find(text, found),
            Self::Card => number::find_cards(text, found),
            Self::Email => email::find(text, found),
            Self::Phone => phone::find(text, found),
        }
    }
}

/// Where a value stands, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SensitiveSpan {
    /// Its first byte.
    pub start: usize,
    /// The byte after it.
    pub end: usize,
    /// What it is.
    pub kind: Sensitive,
}

/// The values of these kinds, in order, none overlapping another.
#[must_use]
pub fn sensitive(text: &str, kinds: &[Sensitive]) -> Vec<SensitiveSpan> {
    let mut all = Vec::new();
    let mut found = Vec::new();
    for kind in Sensitive::ALL.into_iter().filter(|kind| kinds.contains(kind)) {
        kind.find(text, &mut found);
        all.extend(found.drain(..).map(|(start, end)| SensitiveSpan { start, end, kind }));
    }
    all.sort_by_key(|span| (span.start, span.end));
    let mut merged: Vec<SensitiveSpan> = Vec::with_capacity(all.len());
    for span in all {
        match merged.last_mut().filter(|last| span.start < last.end) {
            Some(last) => {
                last.end = last.end.max(span.end);
                last.kind = last.kind.min(span.kind);
            }
            None => merged.push(span),
        }
    }
    merged
}

/// The place nearest before `at` where a text can be cut without cutting a value in two.
#[must_use]
pub fn whole_values(text: &str, at: usize) -> usize {
    let at = text.floor_char_boundary(at);
    let spans = sensitive(text, &Sensitive::ALL);
    spans.iter().find(|span| span.start < at && at < span.end).map_or(at, |span| span.start)
}

/// Whether no letter or digit stands right before a place.
fn begins(text: &str, at: usize) -> bool {
    !text[..at].ends_with(char::is_alphanumeric)
}

/// Whether no letter or digit stands right behind a place.
fn ends(text: &str, at: usize) -> bool {
    !text[at..].starts_with(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(&'static str, &str)> {
        let spans = sensitive(text, &Sensitive::ALL);
        spans.into_iter().map(|span| (span.kind.as_str(), &text[span.start..span.end])).collect()
    }

    #[test]
    fn values_are_found_and_nothing_around_them() {
        for (text, kind, value) in [
            ("Write to Ada.Lovelace+x@mail.example.org.", "email", "Ada.Lovelace+x@mail.example.org"),
            ("<bob@example.com>, now", "email", "bob@example.com"),
            ("müller@exämple.de!", "email", "müller@exämple.de"),
            ("card 4111 1111 1111 1111, please", "card", "4111 1111 1111 1111"),
            ("5500-0000-0000-0004", "card", "5500-0000-0000-0004"),
            ("amex 378282246310005.", "card", "378282246310005"),
            ("to DE89 3704 0044 0532 0130 00 today", "iban", "DE89 3704 0044 0532 0130 00"),
            ("gb82west12345698765432", "iban", "gb82west12345698765432"),
            ("call +49 170 1234567 at 9", "phone", "+49 170 1234567"),
            ("call +44 (0)20 7946-0958.", "phone", "+44 (0)20 7946-0958"),
            ("(555) 123-4567 is mine", "phone", "(555) 123-4567"),
            ("555.123.4567", "phone", "555.123.4567"),
            ("0170 1234567", "phone", "0170 1234567"),
            ("06 12 34 56 78", "phone", "06 12 34 56 78"),
            ("the key sk-proj-abcdefghijklmnop1234 works", "secret", "sk-proj-abcdefghijklmnop1234"),
            ("AKIAIOSFODNN7EXAMPLE", "secret", "AKIAIOSFODNN7EXAMPLE"),
            ("password: hunter2.", "secret", "password: hunter2"),
            ("The Wi-Fi Passwort ist gar-nicht-1-einfach!", "secret", "Passwort ist gar-nicht-1-einfach"),
            ("API_KEY=\"correct horse battery\" ok", "secret", "API_KEY=\"correct horse battery\""),
            ("redis://user:pw@host:6379/0 is up", "secret", "redis://user:pw@host:6379/0"),
            ("Authorization: Bearer abcdefghijklmnopqrst", "secret", "Authorization: Bearer abcdefghijklmnopqrst"),
            ("パスワード：abc12345です", "secret", "パスワード：abc12345です"),
        ] {
            assert_eq!(found(text), [(kind, value)], "{text}");
        }
    }

    #[test]
    fn keys_of_several_lines_are_one_value() {
        let key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAKC\n-----END RSA PRIVATE KEY-----";
        assert_eq!(found(&format!("here:\n{key}\nkeep it")), [("secret", key)]);
        assert_eq!(found("-----BEGIN PRIVATE KEY-----\nMIIE"), [("secret", "-----BEGIN PRIVATE KEY-----\nMIIE")]);
        let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc-DEF_123";
        assert_eq!(found(&format!("token {token}.")), [("secret", token)]);
    }

    #[test]
    fn what_only_looks_like_one_is_left() {
        for text in [
            "2023-01-02 10:30, 1,500.50 €, v1.2.3, 192.168.1.1",
            "order 4111 1111 1111 1112 of 16 digits",
            "GB82 WEST 1234 5698 7654 33",
            "at 10@night, @ben, a@b",
            "call 112 or 555-1234",
            "1700000000 and 1700000000000",
            "The password is wrong. I forgot the password.",
            "sk-short, eyJ, AKIA, basic",
            "https://example.org/a?b=c",
            "room 101, 20 30 40 50 people",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }

    #[test]
    fn values_that_touch_are_one_and_cuts_fall_between() {
        let text = "password: ada@example.org ok";
        assert_eq!(found(text), [("secret", "password: ada@example.org")]);
        assert_eq!(sensitive(text, &[Sensitive::Email])[0].start, 10);
        assert_eq!(whole_values(text, 20), 0);
        assert_eq!(whole_values(text, 27), 27);
        assert_eq!(whole_values("é 4111111111111111", 10), 3);
    }
}
