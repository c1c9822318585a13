//! A real endpoint that fails in every way that was seen of one: after each, every conversation is summarized with at most
//! a fifth more calls than on a good day, and the books hold what was billed.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use shared::domain::FallbackReason;
use shared::ports::SummarizeReply;
use shared_adapters::openai::{OpenAiChat, OpenAiSettings};
use shared_testkit::model::{Fault, ModelServer};
use summarizer_worker::ModelConfig;

use super::{ask, assert_proved, engines, newest, spent};
use crate::world::{World, key, quiet};

const CAP: u64 = 200_000;

/// Who must have written the summaries at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// The model, all of them.
    Model,
    /// The local engine the first one, for this reason.
    Local(FallbackReason),
}

fn hasty() -> ModelConfig {
    ModelConfig {
        llm_timeout: Duration::from_millis(700),
        llm_deadline: Duration::from_secs(20),
        llm_retry_after_max: Duration::from_millis(50),
        llm_daily_token_cap: Some(CAP),
        llm_redo_interval: Duration::from_hours(1),
        ..ModelConfig::default()
    }
}

pub(super) fn settings(url: &str) -> OpenAiSettings {
    OpenAiSettings {
        openai_api_key: None,
        openai_base_url: Some(url.to_owned()),
        openai_model: "mock".to_owned(),
        openai_connect_timeout: Duration::from_secs(5),
    }
}

/// A conversation of two segments and some of 5, while the script is played: as many as make the calls that fail, and
/// the `more` that they lead to, a fifth of the calls of a good day.
async fn play(script: Vec<Fault>, refuses: &[&'static str], by: By, more: usize) {
    let server = ModelServer::start(false).await.unwrap();
    server.refuse(refuses);
    let extra = script.len() + more;
    let names: Vec<String> = (0..(5 * extra).saturating_sub(1).max(2)).map(|n| format!("c{n}")).collect();
    let ideal = 1 + names.len();
    // Only where nothing else ends a call is a try cut off soon: a busy machine is no fault of the endpoint.
    let endless = script.iter().any(|fault| matches!(fault, Fault::Hang | Fault::Drip));
    let llm_timeout = Duration::from_secs(if endless { 2 } else { 15 });
    server.play(script);
    let mut world = World::new(quiet());
    let chat = OpenAiChat::new(&settings(&server.base_url())).unwrap();
    let engines = engines(&world, Arc::new(chat), &ModelConfig { llm_timeout, ..hasty() });
    world.start_engines(engines);
    for (n, name) in names.iter().enumerate() {
        let head = world.post(&key(name), if n == 0 { 160 } else { 5 }).await;
        assert!(matches!(ask(&world, name, head).await, SummarizeReply::Stored { .. }), "{name}");
    }
    assert_proved(&world);
    match by {
        By::Model => {
            for version in names.iter().map(|name| newest(&world, name)) {
                assert_eq!((version.engine.as_str(), version.degraded), ("openai:mock", false));
                assert_eq!(version.prompt_version, "3");
                assert!(version.usage.tokens_in > 0 && !version.content.brief.is_empty());
            }
            assert_eq!(server.left(), 0, "the whole script was played");
        }
        By::Local(reason) => {
            let first = newest(&world, &names[0]);
            assert_eq!((first.engine.as_str(), first.degraded, first.fallback), ("local", true, Some(reason)));
        }
    }
    let calls = server.calls().len();
    assert!(calls * 5 <= ideal * 6, "{calls} calls where {ideal} are ideal");
    let (spent, billed) = (spent(&world).await.tokens, server.billed());
    assert!(spent <= CAP && spent >= billed.tokens_in + billed.tokens_out, "{spent} in the books, {billed:?} billed");
    world.stop().await;
}

fn status(code: u16) -> Fault {
    Fault::Status(code, vec![], json!({"error": {"message": "no", "type": "x", "code": null}}).to_string())
}

fn refused(code: u16, why: &str) -> Fault {
    Fault::Status(code, vec![], json!({"error": {"message": why, "code": why}}).to_string())
}

fn later(code: u16, after: &str) -> Fault {
    let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT".to_owned());
    Fault::Status(code, vec![("retry-after", after.to_owned()), date], String::new())
}

fn body(kind: &'static str, body: impl Into<Vec<u8>>) -> Fault {
    Fault::Body(kind, body.into())
}

fn json_body(reply: &Value) -> Fault {
    body("application/json", reply.to_string())
}

fn edit(mut reply: Value, pointer: &str, value: Value) -> Value {
    if let Some(place) = reply.pointer_mut(pointer) {
        *place = value;
    }
    reply
}

const CONTENT: &str = "/choices/0/message/content";
const FINISH: &str = "/choices/0/finish_reason";

macro_rules! cases {
    ($($name:ident: $script:expr => $by:expr $(, more $more:expr)?;)*) => {$(
        #[tokio::test]
        async fn $name() {
            #[allow(unused_mut, unused_assignments)]
            let mut more = 0;
            $(more = $more;)?
            play($script, &[], $by, more).await;
        }
    )*};
}

use By::{Local, Model};
use FallbackReason::{Refused, Unavailable};

cases! {
    a_good_day: vec![] => Model;
    rate_limit_without_a_time: vec![status(429)] => Model;
    rate_limit_with_a_time: vec![later(429, "0.02")] => Model;
    rate_limit_until_now: vec![later(429, "0")] => Model;
    rate_limit_until_a_date_of_a_skewed_clock: vec![later(429, "Sun, 06 Nov 1994 08:49:37 GMT")] => Model;
    rate_limit_until_a_date_long_past: vec![later(429, "Sun, 06 Nov 1904 08:49:37 GMT")] => Model;
    rate_limit_for_a_year: vec![later(429, "31536000")] => Model;
    rate_limit_for_less_than_nothing: vec![later(429, "-5")] => Model;
    rate_limit_until_soon: vec![later(429, "soon")] => Model;
    rate_limits_in_a_row: vec![status(429), status(429), status(429)] => Model;
    internal_error: vec![status(500)] => Model;
    bad_gateway_with_a_page: vec![Fault::Status(502, vec![("content-type", "text/html".into())], "<html>Bad".into())] => Model;
    unavailable_now: vec![status(503)] => Model;
    unavailable_with_a_time: vec![later(503, "0.01")] => Model;
    gateway_timeout: vec![status(504)] => Model;
    overloaded: vec![status(529)] => Model;
    request_timeout: vec![status(408)] => Model;
    conflict: vec![status(409)] => Model;
    error_of_an_odd_status: vec![status(599)] => Model;
    error_without_a_body: vec![Fault::Status(500, vec![], String::new())] => Model;
    closed_at_once: vec![Fault::CloseAtOnce] => Model;
    closed_in_the_headers: vec![Fault::CloseInHeaders] => Model;
    closed_in_the_body: vec![Fault::CloseInBody] => Model;
    closed_in_the_stream: vec![Fault::Late(Duration::ZERO), Fault::CutStream] => Model;
    a_slow_drip: vec![Fault::Drip] => Model;
    a_hang: vec![Fault::Hang] => Model;
    late_but_in_time: vec![Fault::Late(Duration::from_millis(200))] => Model;
    a_page_in_place_of_an_answer: vec![body("text/html", "<html>Log in</html>")] => Model;
    a_page_that_says_it_is_json: vec![body("application/json", "<!doctype html>")] => Model;
    nothing_at_all: vec![body("application/json", "")] => Model;
    no_choices: vec![json_body(&json!({"choices": []}))] => Model;
    another_object: vec![json_body(&json!({"hello": 1}))] => Model;
    no_object: vec![json_body(&json!([1, 2]))] => Model;
    no_text: vec![Fault::Reply(|reply| edit(reply, CONTENT, Value::Null))] => Model;
    a_blank_text: vec![Fault::Text(|_| " \n".into())] => Model;
    the_longest_answer: vec![Fault::Reply(|reply| edit(reply, FINISH, json!("length")))] => Model, more 2;
    a_refusal: vec![Fault::Reply(|reply| edit(reply, "/choices/0/message", json!({"refusal": "I cannot", "content": null})))] => Local(Refused);
    a_filter: vec![Fault::Reply(|reply| edit(reply, FINISH, json!("content_filter")))] => Local(Refused);
    a_wrong_form: vec![Fault::Text(|_| r#"{"summary":"x"}"#.into())] => Model;
    a_form_with_wrong_types: vec![Fault::Text(|_| r#"{"about":{"x":1},"brief":7}"#.into())] => Model;
    a_cut_text: vec![Fault::Text(|text| text[..text.len() / 2].into())] => Model;
    prose: vec![Fault::Text(|_| "Sure! Here is your summary.".into())] => Model;
    a_fenced_text: vec![Fault::Text(|text| format!("```json\n{text}\n```"))] => Model;
    a_text_among_words: vec![Fault::Text(|text| format!("Here: {text} Anything else?"))] => Model;
    doubled_keys: vec![Fault::Text(|text| text.replacen('{', r#"{"about":"x","items":7,"#, 1))] => Model;
    zeros_in_the_text: vec![Fault::Text(|text| text.replace("number", "number\\u0000"))] => Model;
    an_error_inside: vec![json_body(&json!({"error": {"message": "upstream broke"}}))] => Model;
    an_error_inside_with_a_status: vec![json_body(&json!({"error": {"message": "slow down", "code": 429}}))] => Model;
    a_huge_reply: vec![body("application/json", format!("{{\"x\":\"{}\"}}", "y".repeat(5 << 20)))] => Model;
    a_huge_text: vec![Fault::Text(|text| text.replacen("says", &"says ".repeat(100_000), 1))] => Model;
    latin_1: vec![body("application/json", b"{\"choices\":[{\"message\":{\"content\":\"caf\xe9\"}}]}".to_vec())] => Model;
    utf_16: vec![body("application/json", "{\"choices\":[]}".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>())] => Model;
    no_usage: vec![Fault::Reply(|reply| edit(reply, "/usage", Value::Null))] => Model;
    an_absurd_usage: vec![Fault::Reply(|reply| edit(reply, "/usage", json!({"prompt_tokens": u64::MAX, "completion_tokens": u64::MAX})))] => Model;
    a_usage_of_texts: vec![Fault::Reply(|reply| edit(reply, "/usage", json!({"prompt_tokens": "many"})))] => Model;
    a_renamed_model: vec![Fault::Reply(|reply| edit(reply, "/model", json!("other-2030")))] => Model;
    a_wrong_key: vec![status(401)] => Local(Refused);
    a_forbidden_key: vec![status(403)] => Local(Refused);
    an_account_to_be_paid: vec![status(402)] => Local(Refused);
    an_account_without_money: vec![refused(429, "insufficient_quota")] => Local(Refused);
    an_unknown_model: vec![status(404)] => Local(Refused);
    a_redirect: vec![Fault::Status(302, vec![("location", "http://127.0.0.1:9/".into())], String::new())] => Local(Refused);
    a_text_too_long: vec![refused(400, "context_length_exceeded")] => Model, more 2;
    a_body_too_large: vec![status(413)] => Model, more 2;
    a_complaint_about_nothing: vec![status(400)] => Model;
    an_endpoint_that_stays_broken: vec![status(500), status(502), status(503), status(504)] => Local(Unavailable);
    everything_at_once: vec![status(500), Fault::Hang, Fault::CloseInBody] => Model;
}

#[tokio::test]
async fn endpoints_of_older_forms_are_asked_more_plainly() {
    for (fields, more) in [
        (&["/response_format/json_schema"][..], 1),
        (&["/response_format"], 2),
        (&["/max_completion_tokens"], 1),
        (&["/temperature"], 1),
        (&["/stream_options"], 2),
        (&["/response_format", "/max_completion_tokens", "/temperature", "/stream_options"], 6),
    ] {
        play(vec![], fields, Model, more).await;
    }
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_costs_nothing() {
    let url = ModelServer::start(false).await.unwrap().base_url();
    let mut world = World::new(quiet());
    let engines = engines(&world, Arc::new(OpenAiChat::new(&settings(&url)).unwrap()), &hasty());
    world.start_engines(engines);
    let head = world.post(&key("a"), 5).await;
    ask(&world, "a", head).await;
    assert_eq!(newest(&world, "a").fallback, Some(Unavailable));
    assert_eq!(spent(&world).await.tokens, 0);
    assert_proved(&world);
    world.stop().await;
}
