//! What is wrong with a request, and what it is told: one table. None of it stores anything, none gives 500.

use anyhow::{Context, Result, ensure};
use reqwest::Method;

use crate::client::Client;

struct Bad {
    method: Method,
    path: String,
    body: Option<Vec<u8>>,
    status: u16,
    code: &'static str,
    field: &'static str,
}

fn get(path: &str, code: &'static str, field: &'static str) -> Bad {
    let status = if code.ends_with("not_found") { 404 } else { 400 };
    Bad { method: Method::GET, path: path.to_owned(), body: None, status, code, field }
}

fn post(body: impl Into<Vec<u8>>, code: &'static str, field: &'static str) -> Bad {
    Bad { method: Method::POST, path: "/chats".to_owned(), body: Some(body.into()), status: 400, code, field }
}

/// A body for the conversation `bad` with these messages.
fn messages(list: &str) -> String {
    format!(r#"{{"conversation_id":"bad","user_id":"u","messages":{list}}}"#)
}

fn message(fields: &str) -> String {
    messages(&format!("[{{{fields}}}]"))
}

fn bodies() -> Vec<Bad> {
    const JSON: &str = "invalid_json";
    const SHAPE: &str = "invalid_request";
    let long = "x".repeat(257);
    let mut invalid_utf8 = messages(r#"[{"content":"x"}]"#).into_bytes();
    let place = invalid_utf8.len() - 6;
    invalid_utf8[place] = 0xff;
    vec![
        post("", JSON, ""),
        post("{", JSON, ""),
        post("nonsense", JSON, ""),
        post(format!("{} x", message(r#""content":"x""#)), JSON, ""),
        post(invalid_utf8, JSON, ""),
        post(message(r#""content":"\ud800""#), JSON, ""),
        post("[".repeat(100_000), JSON, ""),
        post("[]", SHAPE, ""),
        post("null", SHAPE, ""),
        post("{}", SHAPE, "messages"),
        post(r#"{"user_id":"u","messages":[]}"#, SHAPE, "messages"),
        post(r#"{"user_id":"u","messages":{}}"#, SHAPE, "messages"),
        post(r#"{"messages":[{"content":"x"}]}"#, SHAPE, "user_id"),
        post(r#"{"user_id":7,"messages":[{"content":"x"}]}"#, SHAPE, "user_id"),
        post(r#"{"user_id":"u","user_id":"v","messages":[{"content":"x"}]}"#, SHAPE, "user_id"),
        post(r#"{"user_id":"u","message":[{"content":"x"}]}"#, SHAPE, "message"),
        post(format!(r#"{{"user_id":"{long}","messages":[{{"content":"x"}}]}}"#), SHAPE, "user_id"),
        post(r#"{"conversation_id":"","user_id":"u","messages":[{"content":"x"}]}"#, SHAPE, "conversation_id"),
        post(r#"{"conversation_id":"a\u0000","user_id":"u","messages":[{"content":"x"}]}"#, SHAPE, "conversation_id"),
        post(messages("[7]"), SHAPE, "messages[0]"),
        post(message(""), SHAPE, "messages[0].content"),
        post(message(r#""content":"""#), SHAPE, "messages[0].content"),
        post(message(r#""content":7"#), SHAPE, "messages[0].content"),
        post(message(r#""content":"x","text":"y""#), SHAPE, "messages[0].text"),
        post(message(r#""content":"x","content":"y""#), SHAPE, "messages[0].content"),
        post(message(&format!(r#""content":"{}""#, "é".repeat(16_385))), SHAPE, "messages[0].content"),
        post(message(r#""content":"x","timestamp":"2023-02-30T00:00:00Z""#), SHAPE, "messages[0].timestamp"),
        post(message(r#""content":"x","timestamp":"0000-01-01T00:00:00Z""#), SHAPE, "messages[0].timestamp"),
        post(message(r#""content":"x","timestamp":"10000-01-01T00:00:00Z""#), SHAPE, "messages[0].timestamp"),
        post(message(r#""content":"x","timestamp":1672563600"#), SHAPE, "messages[0].timestamp"),
        post(message(r#""content":"x","metadata":[]"#), SHAPE, "messages[0].metadata"),
        post(
            message(&format!(r#""content":"x","metadata":{{"k":"{}"}}"#, "x".repeat(8192))),
            SHAPE,
            "messages[0].metadata",
        ),
        post(
            message(&format!(r#""content":"x","metadata":{}1{}"#, r#"{"k":"#.repeat(9), "}".repeat(9))),
            SHAPE,
            "messages[0].metadata",
        ),
        post(message(&format!(r#""content":"x","metadata":{}"#, r#"{"k":"#.repeat(50_000))), JSON, ""),
        post(message(r#""content":"x","message_id":"""#), SHAPE, "messages[0].message_id"),
        post(
            messages(r#"[{"content":"x","message_id":"m"},{"content":"y","message_id":"m"}]"#),
            SHAPE,
            "messages[1].message_id",
        ),
        post(messages(&format!("[{}]", vec![r#"{"content":"x"}"#; 1001].join(","))), SHAPE, "messages"),
    ]
}

fn queries() -> Vec<Bad> {
    const SHAPE: &str = "invalid_request";
    let long = format!("/chats/{}", "x".repeat(257));
    vec![
        get("/nowhere", "not_found", ""),
        get("/chats/", "not_found", ""),
        get("/chats/bad", "conversation_not_found", ""),
        get("/chats/bad?page=0", SHAPE, "page"),
        get("/chats/bad?page=-1", SHAPE, "page"),
        get("/chats/bad?page=one", SHAPE, "page"),
        get("/chats/bad?page=1&page=2", SHAPE, "page"),
        get("/chats/bad?page=99999999999999999999", SHAPE, "page"),
        get("/chats/bad?limit=0", SHAPE, "limit"),
        get("/chats/bad?limit=501", SHAPE, "limit"),
        get("/chats/bad?limit=1e9", SHAPE, "limit"),
        get("/chats/bad?offset=1", SHAPE, "offset"),
        get("/chats/bad?order=up", SHAPE, "order"),
        get("/chats/bad?since=yesterday", SHAPE, "since"),
        get("/chats/bad?until=2023-02-30", SHAPE, "until"),
        get("/chats/bad?cursor=made-by-hand", "invalid_cursor", ""),
        get("/chats/%00", SHAPE, "conversation_id"),
        get("/chats/%ff", SHAPE, "conversation_id"),
        get(&long, SHAPE, "conversation_id"),
        get("/chats/bad/summary?summary_type=long", SHAPE, "summary_type"),
        get("/chats/bad/summaries?page=0", SHAPE, "page"),
        get("/users/%0a/chats", SHAPE, "user_id"),
        get("/users/u/chats?limit=101", SHAPE, "limit"),
        get("/users/u/chats?start_date=2023-13-01", SHAPE, "start_date"),
        get("/users/u/chats?start_date=2023-02-01&end_date=2023-01-01", SHAPE, "start_date"),
        get("/chats?page=0", SHAPE, "page"),
        get("/chats?api_key=rk_0123", "key_in_url", ""),
        get("/ws/summarize?conversation_id=bad", SHAPE, ""),
        Bad {
            path: "/chats?conversation_id=bad".to_owned(),
            ..post(message(r#""content":"x""#), SHAPE, "conversation_id")
        },
        Bad { path: "/chats/summarize?limit=1".to_owned(), ..post(r#"{"conversation_id":"bad"}"#, SHAPE, "limit") },
    ]
}

/// Each row of the table gets its status, its code and, where one is at fault, its field.
pub async fn every_fault_has_its_answer(client: &Client) -> Result<()> {
    for (row, bad) in bodies().into_iter().chain(queries()).enumerate() {
        let mut request = client.request(bad.method, &bad.path);
        let shown = bad.body.as_deref().map(|b| String::from_utf8_lossy(&b[..b.len().min(120)]).into_owned());
        if let Some(body) = bad.body {
            request = request.header("content-type", "application/json").body(body);
        }
        let answer = client.send(request).await?;
        let what = || format!("row {row} {} {shown:?}: {} {}", bad.path, answer.status, answer.text);
        ensure!(answer.status == bad.status, "{}", what());
        let detail = &answer.json().with_context(what)?["detail"];
        ensure!(detail["code"] == bad.code, "{}", what());
        ensure!(detail["error"].is_string() && detail["timestamp"].is_string(), "{}", what());
        ensure!(!answer.header("x-request-id").is_empty(), "{}", what());
        if !bad.field.is_empty() {
            let fields = detail["fields"].as_array().with_context(what)?;
            ensure!(fields.iter().any(|field| field["path"] == bad.field), "{}", what());
        }
    }
    ensure!(client.get("/chats/bad").await?.status == 404, "something of the table was stored");
    Ok(())
}

/// All faults of a request are said at once, at most twenty.
pub async fn all_faults_at_once(client: &Client) -> Result<()> {
    let bad = r#"{"content":"","timestamp":"never","colour":"red"}"#;
    let body = messages(&format!("[{}]", [bad; 10].join(",")));
    let request = client.request(Method::POST, "/chats").header("content-type", "application/json").body(body);
    let answer = client.send(request).await?;
    let fields = answer.json()?["detail"]["fields"].as_array().map_or(0, Vec::len);
    ensure!(answer.status == 400 && fields == 20, "{answer:?}");
    Ok(())
}

/// Wrong methods, media types and sizes.
pub async fn wrong_methods_types_and_sizes(client: &Client) -> Result<()> {
    let wrong = client.send(client.request(Method::PUT, "/chats/x")).await?;
    ensure!(wrong.status == 405 && wrong.code()? == "method_not_allowed", "{wrong:?}");
    ensure!(wrong.header("allow").contains("GET") && wrong.header("allow").contains("DELETE"), "{wrong:?}");
    let body = message(r#""content":"x""#);
    let text = client.request(Method::POST, "/chats").header("content-type", "text/plain").body(body.clone());
    let wrong = client.send(text).await?;
    ensure!(wrong.status == 415 && wrong.code()? == "unsupported_media_type", "{wrong:?}");
    let large = vec![b' '; 10 * 1024 * 1024];
    let large = client.request(Method::POST, "/chats").header("content-type", "application/json").body(large);
    let wrong = client.send(large).await?;
    ensure!(wrong.status == 413 && wrong.code()? == "payload_too_large", "{wrong:?}");
    let key = client.request(Method::POST, "/chats").header("idempotency-key", "x".repeat(256));
    let wrong = client.send(key.header("content-type", "application/json").body(body)).await?;
    ensure!(wrong.status == 400 && wrong.code()? == "invalid_request", "{wrong:?}");
    let ask = client.request(Method::POST, "/chats/summarize").header("content-type", "application/json");
    let wrong = client.send(ask.body(r#"{"conversation_id":"x","summary_type":"long","extra":1}"#)).await?;
    ensure!(wrong.status == 400 && wrong.code()? == "invalid_request", "{wrong:?}");
    Ok(())
}

/// Text of any kind comes back as it went in.
pub async fn odd_text_is_kept(client: &Client) -> Result<()> {
    let odd = ["\u{0}", "<script>alert(1)</script>", "\u{202e}abc", "👩‍👩‍👧‍👦", "\r\n\t", "\u{feff}x", "e\u{301}", "\"\\"];
    let lines: Vec<(&str, &str)> = odd.iter().map(|text| ("u", *text)).collect();
    client.say("bad-odd", &lines).await?;
    let history = client.history("bad-odd").await?;
    for (message, text) in history.iter().zip(odd) {
        ensure!(message["content"] == text, "{message} is not {text:?}");
    }
    ensure!(history.len() == odd.len());
    Ok(())
}
