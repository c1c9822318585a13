//! Word classes as bits. Their members stand in `data/words.tsv`.

/// A set of word classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Classes(pub(crate) u32);

impl Classes {
    pub(crate) const STOP_EN: Self = Self(1);
    pub(crate) const STOP_ES: Self = Self(1 << 1);
    pub(crate) const STOP_FR: Self = Self(1 << 2);
    pub(crate) const STOP_DE: Self = Self(1 << 3);
    pub(crate) const STOP_PT: Self = Self(1 << 4);
    pub(crate) const STOP_IT: Self = Self(1 << 5);
    pub(crate) const STOP_NL: Self = Self(1 << 6);
    /// A stop word of any language.
    pub(crate) const STOP: Self = Self(0x7f);
    /// Words that chats are full of and that say nothing of their topic.
    pub(crate) const CHAT: Self = Self(1 << 7);
    pub(crate) const HESITATION: Self = Self(1 << 8);
    /// Fillers that may open a sentence and can be left out there.
    pub(crate) const OPENER: Self = Self(1 << 9);
    pub(crate) const GREETING: Self = Self(1 << 10);
    pub(crate) const NEGATION: Self = Self(1 << 11);
    pub(crate) const BOOST: Self = Self(1 << 12);
    pub(crate) const DAMP: Self = Self(1 << 13);
    /// Plans, needs and wishes.
    pub(crate) const INTENT: Self = Self(1 << 14);

    /// Words that a clause has: auxiliaries and contractions with one.
    pub(crate) const CLAUSE: Self = Self(1 << 15);

    const NAMES: [(&'static str, Self); 16] = [
        ("clause", Self::CLAUSE),
        ("stop_en", Self::STOP_EN),
        ("stop_es", Self::STOP_ES),
        ("stop_fr", Self::STOP_FR),
        ("stop_de", Self::STOP_DE),
        ("stop_pt", Self::STOP_PT),
        ("stop_it", Self::STOP_IT),
        ("stop_nl", Self::STOP_NL),
        ("chat_en", Self::CHAT),
        ("hesitation", Self::HESITATION),
        ("opener", Self::OPENER),
        ("greeting", Self::GREETING),
        ("negation", Self::NEGATION),
        ("boost", Self::BOOST),
        ("damp", Self::DAMP),
        ("intent", Self::INTENT),
    ];

    /// The class of this name; none for a name that the table does not use.
    pub(crate) fn named(name: &str) -> Self {
        Self::NAMES.iter().find(|(known, _)| *known == name).map_or(Self(0), |(_, class)| *class)
    }

    /// Whether the two sets share a class.
    pub(crate) const fn any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(crate) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
