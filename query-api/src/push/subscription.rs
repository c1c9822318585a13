//! What a listener wants: said in the query, in the first text frame, or partly in both.

use std::borrow::Cow;

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

/// What the query and the first frame said together.
pub struct FirstFrame {
    /// The conversation.
    pub conversation: ConversationId,
    /// How to listen.
    pub wishes: Wishes,
    /// A key, from a client that can set no header. Never shown.
    pub key: Option<String>,
}

impl Asked {
    /// Reads the first frame; what it leaves out stays as the query said.
    pub fn first_frame(self, json: &[u8]) -> Result<FirstFrame, Unreadable> {
        let object = Object::parse(json)?;
        let mut faults = Faults::default();
        object.only(&["conversation_id", "summary_type", "since_version", "partial", "key"], &mut faults);
        let conversation = match &self.conversation {
            Some(_) => object.string("conversation_id", &mut faults),
            None => object.required("conversation_id", &mut faults),
        };
        let conversation = conversation.and_then(|text| faults.conversation("conversation_id", &text));
        let summary_type = object.string("summary_type", &mut faults);
        let summary_type = summary_type.map(|text| faults.summary_type("summary_type", Some(&text)));
        let since = object.number("since_version", &mut faults).map(Version);
        let partial = object.flag("partial", &mut faults);
        let key = object.string("key", &mut faults).map(Cow::into_owned);
        let fields = faults.into_fields();
        let Self { conversation: named, wishes } = self;
        match conversation.or(named) {
            Some(conversation) if fields.is_empty() => Ok(FirstFrame {
                conversation,
                wishes: Wishes {
                    summary_type: summary_type.unwrap_or(wishes.summary_type),
                    since: since.or(wishes.since),
                    partial: partial.unwrap_or(wishes.partial),
                },
                key,
            }),
            _ => Err(Unreadable::Invalid(fields)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Wishes = Wishes { summary_type: SummaryType::Brief, since: None, partial: true };

    fn read(wishes: Wishes, named: Option<&str>, json: &str) -> Result<FirstFrame, Unreadable> {
        let conversation = named.map(|name| ConversationId::parse(name).unwrap());
        Asked { conversation, wishes }.first_frame(json.as_bytes())
    }

    #[test]
    fn the_frame_of_the_contract_is_read() {
        let json = r#"{"conversation_id":"c","summary_type":"detailed","since_version":3,"partial":0}"#;
        let frame = read(PLAIN, None, json).unwrap_or_else(|_| panic!("refused"));
        assert_eq!((frame.conversation.as_str(), frame.key), ("c", None));
        let wanted = Wishes { summary_type: SummaryType::Detailed, since: Some(Version(3)), partial: false };
        assert_eq!(frame.wishes, wanted);
        let frame = read(wanted, None, r#"{"conversation_id":"c"}"#).unwrap_or_else(|_| panic!("refused"));
        assert_eq!(frame.wishes, wanted);
    }

    #[test]
    fn a_key_may_come_with_it_and_alone_where_the_query_named_the_conversation() {
        for (named, json, conversation) in [
            (None, r#"{"conversation_id":"c","key":"rk_1"}"#, "c"),
            (Some("d"), r#"{"key":"rk_1"}"#, "d"),
            (Some("d"), r#"{"conversation_id":"c","key":"rk_1"}"#, "c"),
        ] {
            let frame = read(PLAIN, named, json).unwrap_or_else(|_| panic!("{json}"));
            assert_eq!((frame.conversation.as_str(), frame.key.as_deref()), (conversation, Some("rk_1")));
        }
        assert!(read(PLAIN, None, r#"{"key":"rk_1"}"#).is_err());
        assert!(read(PLAIN, Some("d"), r#"{"key":7}"#).is_err());
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
            let refused = read(PLAIN, None, json);
            assert!(matches!(refused, Err(Unreadable::Invalid(fields)) if !fields.is_empty()), "{json}");
        }
        assert!(matches!(read(PLAIN, None, "hello"), Err(Unreadable::NotJson(_))));
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
