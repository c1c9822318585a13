//! What is kept of acts that take something away or hand it out. Law: an entry says who, what, when and how it ended,
//! and never what anybody wrote.
//!
//! An act has two entries under one [`ActId`]: `asked`, durable before anything is done, then how it ended. An act
//! whose second entry is missing was cut short, or is under way.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{ConversationId, Digest, Seq, TenantId, Timestamp, UserId};

/// Joins the entries of one act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct ActId(u128);

impl ActId {
    /// From fresh random bytes.
    #[must_use]
    pub const fn from_random(random: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(random))
    }
}

impl fmt::Display for ActId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl From<ActId> for String {
    fn from(id: ActId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for ActId {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        u128::from_str_radix(&text, 16).map(Self)
    }
}

/// A user without the name: whoever knows the name finds its entries, and nobody reads the name in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserDigest(Digest);

impl UserDigest {
    /// Of a tenant's user.
    #[must_use]
    pub fn of(tenant: &TenantId, user: &UserId) -> Self {
        let tenant = tenant.as_str().as_bytes();
        let length = (tenant.len() as u64).to_be_bytes();
        Self(Digest::of(&[b"recap/user/1", &length[..], tenant, user.as_str().as_bytes()].concat()))
    }

    /// Its 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

impl fmt::Display for UserDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Who acted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Actor {
    /// The owner of a key.
    Key {
        /// The first characters of the key.
        key: String,
    },
    /// A caller without a key.
    Anonymous,
    /// Whoever runs `recap` on the store itself.
    Operator,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Deed {
    /// A conversation was erased.
    EraseConversation {
        /// Which one.
        conversation_id: ConversationId,
    },
    /// A message was edited.
    EditMessage {
        /// Where.
        conversation_id: ConversationId,
        /// Which one.
        seq: Seq,
    },
    /// A message was erased.
    EraseMessage {
        /// Where.
        conversation_id: ConversationId,
        /// Which one.
        seq: Seq,
    },
    /// All that a user wrote was erased.
    EraseUser {
        /// Whose.
        user: UserDigest,
    },
    /// All that a user wrote was handed out.
    ExportUser {
        /// Whose.
        user: UserDigest,
    },
    /// A key was made.
    CreateKey {
        /// Its first characters.
        prefix: String,
    },
    /// A key was revoked.
    RevokeKey {
        /// Its first characters.
        prefix: String,
    },
}

impl Deed {
    /// The user that it is about, if it is about all that a user wrote.
    #[must_use]
    pub fn user(&self) -> Option<UserDigest> {
        match self {
            Self::EraseUser { user } | Self::ExportUser { user } => Some(*user),
            _ => None,
        }
    }
}

/// How far an act has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was asked for and allowed, and is about to be done.
    Asked,
    /// It was done.
    Done,
    /// There was nothing to be done any more.
    Nothing,
    /// It was not done, or nobody knows; whoever asked was told so.
    Failed,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Which act.
    pub act: ActId,
    /// When this was written.
    pub at: Timestamp,
    /// Whose data.
    pub tenant: TenantId,
    /// Who acted.
    #[serde(flatten)]
    pub actor: Actor,
    /// What was done.
    #[serde(flatten)]
    pub deed: Deed,
    /// How far it has come.
    pub outcome: Outcome,
}

impl AuditEntry {
    /// The entry that follows it.
    #[must_use]
    pub fn then(&self, at: Timestamp, outcome: Outcome) -> Self {
        Self { at, outcome, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_one_flat_object_that_reads_back() {
        let user = UserDigest::of(&TenantId::public(), &UserId::parse("anna").unwrap());
        for (actor, deed) in [
            (Actor::Key { key: "rk_12345678".into() }, Deed::EraseUser { user }),
            (
                Actor::Anonymous,
                Deed::EraseMessage { conversation_id: ConversationId::parse("c").unwrap(), seq: Seq(3) },
            ),
            (Actor::Operator, Deed::CreateKey { prefix: "rk_12345678".into() }),
        ] {
            let (act, at) = (ActId::from_random([7; 16]), Timestamp::from_millis(0));
            let entry = AuditEntry { act, at, tenant: TenantId::public(), actor, deed, outcome: Outcome::Asked };
            let json = serde_json::to_string(&entry).unwrap();
            assert!(!json.contains("anna") && !json[1..].contains('{'), "{json}");
            assert_eq!(serde_json::from_str::<AuditEntry>(&json).unwrap(), entry);
        }
    }

    #[test]
    fn names_of_users_do_not_run_into_those_of_tenants() {
        let of =
            |tenant: &str, user: &str| UserDigest::of(&TenantId::parse(tenant).unwrap(), &UserId::parse(user).unwrap());
        assert_ne!(of("ab", "c"), of("a", "bc"));
        assert_eq!(of("a", "b"), of("a", "b"));
    }
}
