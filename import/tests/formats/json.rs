use import_formats::Format;

use crate::text;
use import_formats::Reason::{BadDate, BadMetadata, Malformed, NoAuthor};

#[test]
fn our_own_export_comes_back_byte_for_byte() {
    let given = text(
        "all.jsonl",
        concat!(
            r#"{"conversation_id":"a/b \"c\"","user_id":"anna","timestamp":"2024-01-31T12:00:00.5Z","message_id":"m 1","content":" two\nlines\u0000 ","metadata":{"b":1.0,  "a":[1e3]}}"#,
            "\n",
            r#"{"conversation_id":"a/b \"c\"","ended":true}"#,
            "\r\n\n",
        ),
    );
    assert_eq!(given.format, Some(Format::Json));
    let message = &given.messages[0];
    assert_eq!(message.conversation, "a/b \"c\"");
    assert_eq!((message.user.as_str(), message.message_id.as_str()), ("anna", "m 1"));
    assert_eq!(message.content, " two\nlines\0 ");
    assert_eq!(message.timestamp.unwrap().to_string(), "2024-01-31T12:00:00.5Z");
    assert_eq!(message.metadata.as_deref(), Some(r#"{"b":1.0,  "a":[1e3]}"#));
    assert_eq!((given.messages.len(), given.ended), (1, vec!["a/b \"c\"".to_owned()]));
}

pub(crate) const SIMPLE: &str = r#"{"text":"one","author":{"id":"7","username":"anna"},"ts":1706702400,"channel":"dev","stars":3}
{"body":"two","sender":"ben","created_at":1706702400500,"id":17}
{"role":"assistant","content":[{"type":"text","text":"three"},"!"],"date":"2024-01-31 12:00"}
{"message":"four"}
not json
{"text":"five","user":"x","time":"soon"}
{"text":"six","user":"x","metadata":[1]}
{"text":"seven","user":"x","metadata":{"a":1},"b":2,"c":null}
[1]
"#;

#[test]
fn simple_objects_of_many_kinds() {
    let given = text("log.jsonl", SIMPLE);
    assert_eq!(given.said(), [("anna", "one"), ("ben", "two"), ("assistant", "three!"), ("x", "seven")]);
    assert_eq!(given.times(), ["2024-01-31T12:00:00Z", "2024-01-31T12:00:00.5Z", "2024-01-31T12:00:00Z", "none"]);
    assert_eq!(given.messages[0].conversation, "dev");
    assert_eq!(given.messages[1].conversation, "log");
    assert_eq!(given.messages[0].metadata.as_deref(), Some(r#"{"stars":3}"#));
    assert_eq!(given.messages[1].message_id, "17");
    assert_eq!(given.messages[3].metadata.as_deref(), Some(r#"{"a":1,"b":2}"#));
    assert_eq!(given.reasons(), [(NoAuthor, 4), (Malformed, 5), (BadDate, 6), (BadMetadata, 7), (Malformed, 9)]);
}

#[test]
fn bodies_of_posts_lists_and_whole_objects() {
    let body =
        r#"{"conversation_id":"c","user_id":"anna","messages":[{"content":"a"},{"content":"b","user_id":"ben"}]}"#;
    for text_of in [format!("{body}\n"), format!("[{body}]"), body.replace("{\"conv", "{\n\"conv")] {
        let given = text("x.json", &text_of);
        assert_eq!(given.said(), [("anna", "a"), ("ben", "b")], "{text_of}");
        assert!(given.messages.iter().all(|message| message.conversation == "c"));
        assert_ne!(given.ids()[0], given.ids()[1]);
    }
    let given = text("x.json", r#"{"id":"ES2003a","messages":[{"user_id":"PM","content":"a"}]}"#);
    assert_eq!(given.messages[0].conversation, "ES2003a");
}

#[test]
fn equal_lines_have_different_ids_each_time_the_same() {
    let line = r#"{"text":"a","user":"x","time":"2024-01-31T12:00:00Z"}"#;
    let given = text("x.jsonl", &format!("{line}\n{line}\n"));
    assert_ne!(given.ids()[0], given.ids()[1]);
    assert_eq!(given.ids(), text("y.jsonl", &format!("{line}\n{line}")).ids());
}

#[test]
fn a_list_that_is_cut_off_gives_what_came_before() {
    let given = text("x.json", "[{\"text\":\"a\",\"user\":\"x\"},\n{\"text\":\"b\",");
    assert_eq!(given.said(), [("x", "a")]);
    assert!(given.error.as_deref().is_some_and(|error| error.contains("cut off in line 2")), "{given:?}");
}

#[test]
fn our_own_markdown_comes_back() {
    let given = text(
        "all.md",
        "# team\n\n<!-- recap {\"conversation_id\":\"team\",\"user_id\":\"a\",\"timestamp\":\"2024-01-31T12:00:00Z\",\
         \"message_id\":\"1\",\"metadata\":{\"x\":1}} -->\n**a** · then\n\n> one\n> \n> > two\r\n\nwords between\n\n\
         <!-- recap {\"conversation_id\":\"team\",\"ended\":true} -->\n",
    );
    assert_eq!(given.format, Some(Format::Markdown));
    assert_eq!(given.said(), [("a", "one\n\n> two\r")]);
    assert_eq!(given.messages[0].metadata.as_deref(), Some(r#"{"x":1}"#));
    assert_eq!(given.ended, ["team"]);
}
