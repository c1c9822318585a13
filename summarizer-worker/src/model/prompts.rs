//! What the model is told to do: files under `prompts/`, one for each kind of question.
//!
//! Law: a changed text is a new version, as gists of another version are not used. A text holds nothing of any
//! conversation but the mark that fences its data.

/// Counted up with every change of a prompt, of the form of an answer, or of what is made of one.
pub(crate) const VERSION: u32 = 3;

/// A kind of question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Prompt {
    /// Notes of a segment.
    Gist,
    /// The summary from notes of all parts and the newest lines.
    Fold,
    /// The summary from the one before and what is new.
    Update,
    /// The same, where a segment ends within what is new.
    Cross,
    /// Notes of notes.
    Merge,
    /// Texts without words that stand nowhere.
    Repair,
}

impl Prompt {
    /// All of them.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 6] = [Self::Gist, Self::Fold, Self::Update, Self::Cross, Self::Merge, Self::Repair];

    /// As in metrics.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Gist => "gist",
            Self::Fold => "fold",
            Self::Update => "update",
            Self::Cross => "cross",
            Self::Merge => "merge",
            Self::Repair => "repair",
        }
    }

    /// The text, with a place for the mark.
    pub(crate) const fn template(self) -> &'static str {
        match self {
            Self::Gist => include_str!("../../prompts/gist.3.txt"),
            Self::Fold => include_str!("../../prompts/fold.3.txt"),
            Self::Update => include_str!("../../prompts/update.3.txt"),
            Self::Cross => include_str!("../../prompts/cross.3.txt"),
            Self::Merge => include_str!("../../prompts/merge.3.txt"),
            Self::Repair => include_str!("../../prompts/repair.3.txt"),
        }
    }

    /// The text for one call.
    pub(crate) fn role(self, mark: &str) -> String {
        self.template().trim_end().replace("{mark}", mark)
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;

    /// A changed prompt needs a new version, and then a new line here.
    #[test]
    fn prompts_are_those_of_their_version() {
        let digest = |prompt: Prompt| {
            let hash = Sha256::digest(prompt.template().as_bytes());
            format!("{} {:02x}{:02x}{:02x}{:02x}", prompt.as_str(), hash[0], hash[1], hash[2], hash[3])
        };
        let found: Vec<String> = Prompt::ALL.into_iter().map(digest).collect();
        assert_eq!((VERSION, found), (3, GOLDEN.map(str::to_owned).to_vec()));
    }

    const GOLDEN: [&str; 6] =
        ["gist a2621cf4", "fold 998f322a", "update 90e36b32", "cross 1a60d247", "merge 307d74b8", "repair 177d9bde"];

    #[test]
    fn each_names_its_mark_and_no_place_is_left_open() {
        for prompt in Prompt::ALL {
            let role = prompt.role("5f3a");
            assert!(role.contains("5f3a") && !role.contains('{'), "{role}");
        }
    }
}
