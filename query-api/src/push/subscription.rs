//! What a listener wants: said in the query, in the first text frame, or partly in both.

use serde::Deserialize;
use shared::domain::{ConversationId, Version};
use shared_service::ApiResult;

use crate::query::SummaryType;
use crate::strict::{Faults, Object, Unreadable};

/// What may stand behind the `?`.
#[derive(Debug, Default, Deserialize)]
pub struct ListenParameters {
    conversation_id: Option<String>,
    summary_type: Option<String>,
    since_version: Option<String>,
    partial: Option<String>,
}

/// How to listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wishes {
    /// Which text.
    pub summary_type: SummaryType,
    /// The version that the client has.
    pub since: Option<Version>,
    /// Whether it wants text that is still being written.
    pub partial: bool,
}

/// What a query said.
#[derive(Debug, PartialEq, Eq)]
pub struct Asked {
    /// The conversation; if absent, the first frame names it.
    pub conversation: Option<ConversationId>,
    /// How to listen.
    pub wishes: Wishes,
}

impl ListenParameters {
    /// Reads the query.
    pub fn parse(&self) -> ApiResult<Asked> {
        let mut faults = Faults::default();
        let conversation =
            self.conversation_id.as_deref().and_then(|text| faults.conversation("conversation_id", text));
        let summary_type = faults.summary_type("summary_type", self.summary_type.as_deref());
        let since = self.since_version.as_deref();
        let since = since.map(|text| Version(faults.number("since_version", Some(text), (0, u64::MAX), 0)));
        let partial = match self.partial.as_deref() {
            None | Some("1") => true,
            Some("0") => false,
            Some(_) => {
                faults.add("partial", "must be 0 or 1");
                true
            }
        };
        faults.check()?;
        Ok(Asked { conversation, wishes: Wishes { summary_type, since, partial } })
    }
}

impl Wishes {
    /// Reads the first frame; what it leaves out stays as the query said.
    pub fn first_frame(self, json: &[u8]) -> Result<(ConversationId, Self), Unreadable> {
        let object = Object::parse(json)?;
        let mut faults = Faults::default();
        object.only(&["conversation_id", "summary_type", "since_version", "partial"], &mut faults);
        let conversation = object.required("conversation_id", &mut faults);
        let conversation = conversation.and_then(|text| faults.conversation("conversation_id", &text));
        let summary_type = object.string("summary_type", &mut faults);
        let summary_type = summary_type.map(|text| faults.summary_type("summary_type", Some(&text)));
        let since = object.number("since_version", &mut faults).map(Version);
        let partial = object.flag("partial", &mut faults);
        let fields = faults.into_fields();
        match conversation {
            Some(conversation) if fields.is_empty() => Ok((
                conversation,
                Self {
                    summary_type: summary_type.unwrap_or(self.summary_type),
                    since: since.or(self.since),
                    partial: partial.unwrap_or(self.partial),
                },
            )),
            _ => Err(Unreadable::Invalid(fields)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Wishes = Wishes { summary_type: SummaryType::Brief, since: None, partial: true };

    #[test]
    fn the_frame_of_the_contract_is_read() {
        let json = br#"{"conversation_id":"c","summary_type":"detailed","since_version":3,"partial":0}"#;
        let (conversation, wishes) = PLAIN.first_frame(json).unwrap();
        assert_eq!(conversation.as_str(), "c");
        let wanted = Wishes { summary_type: SummaryType::Detailed, since: Some(Version(3)), partial: false };
        assert_eq!(wishes, wanted);
        assert_eq!(wanted.first_frame(br#"{"conversation_id":"c"}"#).unwrap().1, wanted);
    }

    #[test]
    fn every_other_shape_is_refused() {
        for json in [
            "[]",
            "\"c\"",
            "{}",
            r#"{"conversation_id":7}"#,
            r#"{"conversation_id":""}"#,
            r#"{"conversation_id":"c","since_version":-1}"#,
            r#"{"conversation_id":"c","summary_type":"long"}"#,
            r#"{"conversation_id":"c","partial":"no"}"#,
            r#"{"conversation_id":"c","else":1}"#,
        ] {
            let refused = PLAIN.first_frame(json.as_bytes());
            assert!(matches!(refused, Err(Unreadable::Invalid(fields)) if !fields.is_empty()), "{json}");
        }
        assert!(matches!(PLAIN.first_frame(b"hello"), Err(Unreadable::NotJson(_))));
    }

    #[test]
    fn the_query_may_say_it_all_or_nothing() {
        let nothing = ListenParameters::default().parse().unwrap();
        assert_eq!(nothing, Asked { conversation: None, wishes: PLAIN });
        let all = ListenParameters {
            conversation_id: Some("c".into()),
            summary_type: Some("detailed".into()),
            since_version: Some("3".into()),
            partial: Some("0".into()),
        };
        let wishes = Wishes { summary_type: SummaryType::Detailed, since: Some(Version(3)), partial: false };
        assert_eq!(all.parse().unwrap().wishes, wishes);
        let wrong = ListenParameters { partial: Some("no".into()), ..ListenParameters::default() };
        assert!(wrong.parse().is_err());
    }
}
