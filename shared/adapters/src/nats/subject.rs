//! Names of subjects, of the stream and of its consumer. Law: whatever characters a tenant or a conversation has,
//! its subject is made of safe ones, the same in every process.

use std::fmt::Write as _;

use shared::domain::{ConversationKey, Digest};

use super::config::NatsPrefix;

/// Subjects of notices fall into so many parts, so that consumers may share them by subject.
const PARTITIONS: u8 = 64;

/// All names of one deployment.
#[derive(Debug, Clone)]
pub(super) struct Names {
    prefix: String,
    /// Of the stream.
    pub(super) stream: String,
    /// Of the durable consumer that all workers share.
    pub(super) consumer: &'static str,
    /// Matches the subject of every notice.
    pub(super) notices: String,
    /// Announcements to all.
    pub(super) announcements: String,
    /// Asks for summaries.
    pub(super) asks: String,
    /// The queue group that shares asks.
    pub(super) askers: String,
}

impl Names {
    pub(super) fn new(prefix: &NatsPrefix) -> Self {
        Self {
            stream: prefix.as_str().to_uppercase(),
            consumer: "workers",
            notices: format!("{prefix}.notice.>"),
            announcements: format!("{prefix}.announcement"),
            asks: format!("{prefix}.ask"),
            askers: format!("{prefix}-workers"),
            prefix: prefix.to_string(),
        }
    }

    /// `<prefix>.notice.<partition>.<half of the SHA-256 of tenant and conversation>`.
    pub(super) fn notice(&self, key: &ConversationKey) -> String {
        let hash = Digest::genesis(key);
        let half = &hash.as_bytes()[..16];
        let mut subject = String::with_capacity(self.prefix.len() + 44);
        // Writing to a string does not fail.
        let _ = write!(subject, "{}.notice.{}.", self.prefix, half[0] % PARTITIONS);
        for byte in half {
            let _ = write!(subject, "{byte:02x}");
        }
        subject
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::domain::{ConversationId, TenantId};

    fn subject(tenant: &str, conversation: &str) -> String {
        let key = ConversationKey::new(TenantId::parse(tenant).unwrap(), ConversationId::parse(conversation).unwrap());
        Names::new(&"recap".parse().unwrap()).notice(&key)
    }

    #[test]
    fn a_subject_is_safe_and_stays_the_same() {
        let hostile = subject("a.b > *", "c d\u{2028}é$JS.API");
        assert!(hostile.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.'), "{hostile}");
        assert_eq!(hostile.split('.').count(), 4);
        assert_eq!(subject("public", "conv_1"), "recap.notice.57.390165f09c1046ef28e8d6ab7525396f");
        assert_ne!(subject("ab", "c"), subject("a", "bc"));
    }
}
