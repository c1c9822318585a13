//! Bad bodies with the code and paths they get, and the two passes against each other.

use proptest::prelude::*;
use shared::config::MessageLimits;
use shared::ports::IdSource;

use super::{MAX_FAULTS, PostChatsRequest, RequestError, careful, fast};

struct Zeros;

impl IdSource for Zeros {
    fn random(&self) -> [u8; 16] {
        [0; 16]
    }
}

fn limits() -> MessageLimits {
    MessageLimits {
        max_messages: 3,
        max_content_bytes: 8,
        max_metadata_bytes: 40,
        max_metadata_depth: 3,
        ..Default::default()
    }
}

fn parse(body: &str) -> Result<PostChatsRequest, RequestError> {
    PostChatsRequest::parse(body.as_bytes(), &limits(), &Zeros)
}

/// The faults as `path: text`.
fn faults(body: &str) -> Vec<String> {
    match parse(body) {
        Err(RequestError::Invalid(faults)) => faults.iter().map(|f| format!("{}: {}", f.path, f.fault)).collect(),
        other => panic!("{body} gave {other:?}"),
    }
}

#[test]
fn a_full_body_is_read_whole() {
    let request = parse(
        r#" {"messages":[{"content":"h\u0000\n\u00e4","timestamp":"2023-01-01 12:00:00","metadata": {"a": [1e999]} ,
        "message_id":"m","user_id":"eve"},{"content":"b","metadata":null,"timestamp":null,"message_id":null,"user_id":null}],
        "user_id":"\u0061da","conversation_id":"c/1"} "#,
    )
    .unwrap();
    assert_eq!(request.conversation.unwrap().as_str(), "c/1");
    let [first, second] = &request.messages[..] else { panic!("two messages") };
    assert_eq!((first.user.as_str(), &*first.content), ("eve", "h\0\nä"));
    assert_eq!(first.timestamp.unwrap().to_string(), "2023-01-01T12:00:00Z");
    assert_eq!(first.metadata.as_ref().unwrap().as_json(), r#"{"a": [1e999]}"#);
    assert_eq!(first.message_id.as_ref().unwrap().as_str(), "m");
    assert_eq!((second.user.as_str(), &*second.content), ("ada", "b"));
    assert!(second.metadata.is_none() && second.timestamp.is_none() && second.message_id.is_none());
}

#[test]
fn the_outer_user_may_be_left_out_when_every_message_has_one() {
    let request =
        parse(r#"{"messages":[{"content":"a","user_id":"u"}],"conversation_id":null,"user_id":null}"#).unwrap();
    assert!(request.conversation.is_none());
    assert_eq!(
        faults(r#"{"messages":[{"content":"a","user_id":"u"},{"content":"b"}]}"#),
        ["user_id: is required, unless every message has its own user_id"]
    );
}

#[test]
fn what_is_no_json_is_told_apart() {
    let deep = format!("{}1", "[".repeat(100_000));
    for body in [
        "",
        " ",
        "{",
        "nul",
        "{} x",
        "{}{}",
        "{'a':1}",
        "{\"a\":1,}",
        "[1,]",
        "01",
        "NaN",
        "\u{feff}{}",
        "{\"user_id\":\"a\nb\"}",
        r#"{"user_id":"\ud800"}"#,
        r#"{"user_id":"a","messages":[{"content":"a","metadata":{"x":"\udc00"}}]}"#,
        r#"{"user_id":"a","messages":[{"content":"a","metadata":{"\ud800":1}}]}"#,
        r#"{"unknown":"\ud83d\u0041"}"#,
        &deep,
    ] {
        assert!(matches!(parse(body), Err(RequestError::InvalidJson(_))), "{body}");
    }
    for bytes in [&b"{\"user_id\":\"\xff\"}"[..], b"\xc3", b"{\"user_id\":\"\xed\xa0\x80\"}"] {
        let result = PostChatsRequest::parse(bytes, &limits(), &Zeros);
        assert!(matches!(result, Err(RequestError::InvalidJson(_))), "{bytes:?}");
    }
}

#[test]
fn the_body_itself_has_a_shape() {
    for (body, expected) in [
        ("[]", &["body: must be an object, not a list"][..]),
        ("\"x\"", &["body: must be an object, not a string"]),
        ("{}", &["messages: is required", "user_id: is required, unless every message has its own user_id"]),
        (r#"{"user_id":"u","messages":[]}"#, &["messages: must hold at least one message"]),
        (r#"{"user_id":"u","messages":null}"#, &["messages: must be a list, not null"]),
        (r#"{"user_id":"u","messages":{"content":"a"}}"#, &["messages: must be a list, not an object"]),
        (r#"{"user_id":7,"messages":[{"content":"a"}]}"#, &["user_id: must be a string, not a number"]),
        (r#"{"user_id":"","messages":[{"content":"a"}]}"#, &["user_id: must not be empty"]),
        (
            r#"{"user_id":"u","user_id":"u","extra":1,"messages":[{"content":"a"}]}"#,
            &[
                "user_id: must not be given twice",
                "extra: is not a field here; the fields are conversation_id, user_id, messages",
            ],
        ),
        (
            r#"{"user_id":"a\u0000","conversation_id":"\n","messages":[{"content":"a"}]}"#,
            &["conversation_id: must not hold control characters", "user_id: must not hold control characters"],
        ),
        (
            r#"{"user_id":"u","messages":[{"content":"a"},{"content":"a"},{"content":"a"},{"content":"a"}]}"#,
            &["messages: must hold at most 3 messages, not 4"],
        ),
    ] {
        assert_eq!(faults(body), expected, "{body}");
    }
}

#[test]
fn a_message_has_a_shape() {
    for (message, expected) in [
        ("1", &["messages[0]: must be an object, not a number"][..]),
        ("{}", &["messages[0].content: is required"]),
        (r#"{"content":null}"#, &["messages[0].content: must be a string, not null"]),
        (r#"{"content":["a"]}"#, &["messages[0].content: must be a string, not a list"]),
        (r#"{"content":""}"#, &["messages[0].content: must not be empty"]),
        (r#"{"content":"ääääa"}"#, &["messages[0].content: must have at most 8 bytes, not 9"]),
        (r#"{"content":"a","content":"a"}"#, &["messages[0].content: must not be given twice"]),
        (
            r#"{"content":"a","timestamp":"2023-02-30T00:00:00Z"}"#,
            &[
                "messages[0].timestamp: must be an RFC 3339 date and time such as 2023-01-01T12:00:00Z (without a zone: UTC)",
            ],
        ),
        (r#"{"content":"a","timestamp":1}"#, &["messages[0].timestamp: must be a string, not a number"]),
        (r#"{"content":"a","message_id":true}"#, &["messages[0].message_id: must be a string, not a boolean"]),
        (r#"{"content":"a","user_id":{}}"#, &["messages[0].user_id: must be a string, not an object"]),
        (r#"{"content":"a","metadata":"{}"}"#, &["messages[0].metadata: must be an object, not a string"]),
        (r#"{"content":"a","metadata":[]}"#, &["messages[0].metadata: must be an object, not a list"]),
        (
            r#"{"content":"a","metadata":{"a":"0123456789012345678901234567890123"}}"#,
            &["messages[0].metadata: must have at most 40 bytes, not 42"],
        ),
        (r#"{"content":"a","metadata":{"a":[[[]]]}}"#, &["messages[0].metadata: must be nested at most 3 deep"]),
        (
            r#"{"content":"a","metadata":{"b":{"a":1,"\u0061":2}}}"#,
            &["messages[0].metadata: must not hold the key \"a\" twice in one object"],
        ),
        (
            r#"{"content":"a","message_id":"x"},{"content":"a","message_id":"x"}"#,
            &["messages[1].message_id: must differ from messages[0].message_id"],
        ),
    ] {
        assert_eq!(faults(&format!(r#"{{"user_id":"u","messages":[{message}]}}"#)), expected, "{message}");
    }
}

#[test]
fn all_faults_come_at_once_up_to_a_limit() {
    assert_eq!(
        faults(r#"{"user_id":1,"conversation_id":[],"messages":[{"content":5},{"content":"","timestamp":"x","a":1}]}"#)
            .len(),
        6
    );
    let long = "k".repeat(100);
    let many: Vec<String> = (0..30).map(|i| format!("\"{long}{i}\":1")).collect();
    let listed = faults(&format!("{{{}}}", many.join(",")));
    assert_eq!(listed.len(), MAX_FAULTS);
    assert!(listed.iter().all(|fault| fault.starts_with(&format!("{}…: ", "k".repeat(64)))));
}

#[test]
fn depth_and_size_cost_no_stack() {
    let depth = 2_000_000;
    let bomb = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    for (body, path) in [
        (bomb.clone(), "body"),
        (format!(r#"{{"user_id":{bomb},"messages":[{{"content":"a"}}]}}"#), "user_id"),
        (format!(r#"{{"user_id":"u","messages":[{bomb}]}}"#), "messages[0]"),
        (
            format!(r#"{{"user_id":"u","messages":[{{"content":"a","metadata":{{"a":{bomb}}}}}]}}"#),
            "messages[0].metadata",
        ),
        (format!(r#"{{"user_id":"u","messages":[{{"content":"a"}}],"x":{bomb}}}"#), "x"),
        (format!(r#"{{"user_id":"u","messages":[{{"content":"{}"}}]}}"#, "a".repeat(depth)), "messages[0].content"),
        (format!(r#"{{"user_id":"u","messages":[{}1]}}"#, "1,".repeat(depth)), "messages"),
    ] {
        let RequestError::Invalid(faults) = parse(&body).unwrap_err() else { panic!("{path}") };
        assert_eq!(faults[0].path, path);
    }
}

fn both_passes(text: &str) -> Result<(), TestCaseError> {
    let quick = fast::read(text, &limits()).and_then(|received| received.attribute(&Zeros));
    let slow = careful::read(text, &limits(), &Zeros);
    match (quick, slow) {
        (Some(quick), Ok(slow)) => prop_assert_eq!(format!("{quick:?}"), format!("{slow:?}")),
        (None, Err(RequestError::Invalid(faults))) => prop_assert!((1..=MAX_FAULTS).contains(&faults.len())),
        (None, Err(RequestError::InvalidJson(_))) => {
            prop_assert!(serde_json::from_str::<serde_json::Value>(text).is_err());
        }
        (quick, slow) => prop_assert!(false, "fast {:?}, careful {:?}", quick, slow),
    }
    Ok(())
}

/// Values that are sometimes right for some field, and often not.
fn value() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "null",
        "true",
        "7",
        "-1.5e3",
        "\"\"",
        "\"a\"",
        "\"b\"",
        "\"\\u0061\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ud800\"",
        "\"\\n\"",
        "\"2023-01-01T00:00:00Z\"",
        "\"2023-13-01T00:00:00Z\"",
        "\"123456789\"",
        "{}",
        "[]",
        "{\"a\":1}",
        "{\"a\":1,\"a\":2}",
        "{\"a\":{\"b\":[\"\\udc00\"]}}",
        "{\"a\":[{\"b\":[]}]}",
        " { \"long\" : \"0123456789012345678901234567890123456789\" } ",
        "tru",
    ]);
    leaf.prop_map(str::to_owned)
}

fn object(names: &'static [&'static str]) -> impl Strategy<Value = String> {
    let field = (prop::sample::select(names), value()).prop_map(|(name, value)| format!("\"{name}\":{value}"));
    prop::collection::vec(field, 0..5).prop_map(|fields| format!("{{{}}}", fields.join(",")))
}

fn message() -> impl Strategy<Value = String> {
    let good = "\\{\"content\":\"[a-z]{1,9}\",\"message_id\":\"[a-d]\"(,\"user_id\":\"u\")?\\}";
    prop_oneof![2 => object(&["content", "timestamp", "metadata", "message_id", "user_id", "other"]), 3 => good, 1 => value()]
}

fn body() -> impl Strategy<Value = String> {
    let messages =
        prop::collection::vec(message(), 0..5).prop_map(|list| format!("\"messages\":[{}]", list.join(", ")));
    let outer = prop::option::of((prop::sample::select(&["user_id", "conversation_id", "x"][..]), value()));
    (messages, outer, prop::bool::weighted(0.8)).prop_map(|(messages, outer, user)| {
        let mut fields = vec![messages];
        fields.extend(outer.map(|(name, value)| format!("\"{name}\":{value}")));
        fields.extend(user.then(|| "\"user_id\" : \"u\"".to_owned()));
        format!("{{{}}}", fields.join(","))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = PostChatsRequest::parse(&bytes, &limits(), &Zeros);
    }

    #[test]
    fn the_passes_agree(body in body()) {
        both_passes(&body)?;
    }

    #[test]
    fn the_passes_agree_on_broken_bodies(body in body(), cut in any::<prop::sample::Index>(), with in "[\\[\\]{}\",:a0\\\\]{0,2}") {
        let at = cut.index(body.len());
        prop_assume!(body.is_char_boundary(at));
        both_passes(&format!("{}{with}{}", &body[..at], &body[at + 1..]))?;
        both_passes(&format!("{}{with}", &body[..at]))?;
    }
}
