use import_formats::Format;

use crate::folders::{directory, zipped};
use crate::{Given, text};
use import_formats::Reason::{BadDate, Deleted, NoText, NotChat, System};

const USERS: &str = r#"[{"id":"U1","name":"anna","real_name":"Anna Smith","profile":{"display_name":"Annie","real_name":"Anna Smith"}},
{"id":"U2","name":"ben","profile":{}},{"id":7}]"#;
const CHANNELS: &str = r#"[{"id":"C1","name":"general","members":["U1","U2"]}]"#;
const DIRECT: &str = r#"[{"id":"D1","created":1,"members":["U2","U1"]}]"#;
pub(crate) const FIRST: &str = r#"[
    {"client_msg_id":"a","type":"message","text":"Hi <@U2>, see <#C1|general> &amp; <https:\/\/a.b|docs>","user":"U1","ts":"1706702400.000100","team":"T1","thread_ts":"1706702400.000100","reply_count":1},
    {"type":"message","subtype":"channel_join","user":"U2","text":"<@U2> has joined the channel","ts":"1706702401.000000"},
    {"type":"message","text":"an answer","user":"U2","ts":"1706702402.250000","thread_ts":"1706702400.000100","parent_user_id":"U1","edited":{"user":"U2","ts":"1706702403.000000"}},
    {"type":"message","subtype":"tombstone","text":"This message was deleted.","user":"USLACKBOT","hidden":true,"ts":"1706702404.000000"},
    {"type":"message","text":"","files":[{"id":"F1","name":"plan.pdf","mode":"hosted"},{"id":"F2","mode":"tombstone"}],"upload":true,"user":"U1","ts":"1706702405.000000"},
    {"type":"message","subtype":"bot_message","text":"","username":"ci: bot","bot_id":"B1","attachments":[{"fallback":"build &lt;green&gt;","id":1}],"ts":"1706702406.000000"},
    {"type":"message","text":"who?","user":"U9","user_profile":{"name":"guest","real_name":"A Guest"},"ts":"1706702407.000000"},
    {"type":"message","text":"","user":"U1","ts":"1706702408.000000"},
    {"type":"message","text":"x","user":"U1","ts":"now"}
]"#;
const SECOND: &str = r#"[{"type":"message","text":"next day","user":"U1","ts":"1706788800.000000"}]"#;

pub(crate) fn workspace() -> Vec<(&'static str, &'static str)> {
    vec![
        ("users.json", USERS),
        ("channels.json", CHANNELS),
        ("dms.json", DIRECT),
        ("integration_logs.json", "[]"),
        ("general/2024-02-01.json", SECOND),
        ("general/2024-01-31.json", FIRST),
        ("D1/2024-02-01.json", SECOND),
        ("readme.txt", "x"),
    ]
}

fn check(given: &Given) {
    assert_eq!(given.format, Some(Format::Slack), "{given:?}");
    assert_eq!(
        given.said(),
        [
            ("anna", "next day"),
            ("anna", "Hi @ben, see #general & docs (https://a.b)"),
            ("ben", "an answer"),
            ("anna", "[attachment: plan.pdf]"),
            ("ci: bot", "build <green>"),
            ("guest", "who?"),
            ("anna", "next day"),
        ]
    );
    assert_eq!(given.messages[0].conversation, "anna, ben");
    assert!(given.messages[1..].iter().all(|message| message.conversation == "general"));
    assert_eq!(given.times()[1..3], ["2024-01-31T12:00:00Z", "2024-01-31T12:00:02.25Z"]);
    assert_eq!(given.ids()[1], "slack:general:1706702400.000100");
    assert_eq!(given.metadata(1), serde_json::Value::Null);
    assert_eq!(given.metadata(2)["reply_to"], "slack:general:1706702400.000100");
    assert_eq!(given.metadata(2)["edited_at"], "2024-01-31T12:00:03Z");
    let reasons = [(System, 3), (Deleted, 5), (NoText, 9), (BadDate, 10), (NotChat, 0)];
    assert_eq!(given.reasons(), reasons);
    assert_eq!(given.messages[2].place.to_string(), "general/2024-01-31.json:4");
}

#[test]
fn a_workspace_as_zip_and_as_folder() {
    check(&zipped("acme.zip", &workspace()));
    check(&directory("acme", &workspace()));
}

#[test]
fn a_day_by_itself() {
    let given = text("2024-01-31.json", FIRST);
    assert_eq!(given.format, Some(Format::Slack));
    assert_eq!((given.messages.len(), given.messages[0].user.as_str()), (5, "U1"));
}
