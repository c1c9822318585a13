//! Calls of every operation, each answer held against the document.

use std::collections::BTreeSet;
use std::fmt::Display;

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use shared_testkit::client::{Answer, Client, encode};
use shared_testkit::wait;

use super::documents::Documents;

/// A request, and what is to come of it.
#[derive(Clone)]
pub(crate) struct Call {
    method: Method,
    path: &'static str,
    id: String,
    seq: u64,
    query: String,
    headers: Vec<(&'static str, String)>,
    body: Option<String>,
    wanted: Wanted,
}

#[derive(Clone, Copy)]
enum Wanted {
    Success,
    Status(u16),
    Code(&'static str),
}

impl Call {
    fn new(method: Method, path: &'static str) -> Self {
        let (id, query) = (String::new(), String::new());
        Self { method, path, id, seq: 1, query, headers: Vec::new(), body: None, wanted: Wanted::Success }
    }

    pub(crate) fn get(path: &'static str) -> Self {
        Self::new(Method::GET, path)
    }

    pub(crate) fn delete(path: &'static str) -> Self {
        Self::new(Method::DELETE, path)
    }

    pub(crate) fn post(path: &'static str, body: impl Display) -> Self {
        Self { body: Some(body.to_string()), ..Self::new(Method::POST, path) }
            .header("content-type", "application/json")
    }

    /// The half of the handshake that a client of the WebSocket sends.
    pub(crate) fn upgrade(query: &str) -> Self {
        Self::get("/ws/summarize")
            .query(query)
            .header("connection", "upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
    }

    pub(crate) fn patch(path: &'static str, body: impl Display) -> Self {
        Self { method: Method::PATCH, ..Self::post(path, body) }
    }

    /// Fills the place of a message in the path.
    pub(crate) fn seq(self, seq: u64) -> Self {
        Self { seq, ..self }
    }

    /// Fills the first parameter of the path.
    pub(crate) fn id(self, id: &str) -> Self {
        Self { id: encode(id), ..self }
    }

    pub(crate) fn query(self, query: &str) -> Self {
        Self { query: query.to_owned(), ..self }
    }

    /// Sets a header, in place of an earlier one of that name.
    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.retain(|(earlier, _)| *earlier != name);
        self.headers.push((name, value.into()));
        self
    }

    /// It is to fail with this code.
    pub(crate) fn refused(self, code: &'static str) -> Self {
        Self { wanted: Wanted::Code(code), ..self }
    }

    fn status(self, status: u16) -> Self {
        Self { wanted: Wanted::Status(status), ..self }
    }
}

/// Sends calls, and keeps what came of them.
pub(crate) struct Caller<'d> {
    documents: &'d Documents,
    client: &'d Client,
    succeeded: BTreeSet<String>,
    codes: BTreeSet<String>,
}

impl<'d> Caller<'d> {
    pub(crate) fn new(documents: &'d Documents, client: &'d Client) -> Self {
        Self { documents, client, succeeded: BTreeSet::new(), codes: BTreeSet::new() }
    }

    pub(crate) fn succeeded(&self) -> &BTreeSet<String> {
        &self.succeeded
    }

    pub(crate) fn codes(&self) -> &BTreeSet<String> {
        &self.codes
    }

    /// Sends a call; the answer must be the wanted one, and as described.
    pub(crate) async fn check(&mut self, call: Call) -> Result<Answer> {
        let operation = self.documents.operation(&call.method, call.path)?;
        let answer = send(self.client, &call).await?;
        let told = format!("{} {}{}: {} {}", call.method, call.path, call.query, answer.status, answer.text);
        match call.wanted {
            Wanted::Success => ensure!(answer.status.as_u16() < 300, "{told}"),
            Wanted::Status(status) => ensure!(answer.status == status, "{told}"),
            Wanted::Code(code) => ensure!(answer.code()? == code, "{told}: not {code}"),
        }
        self.documents.check(&operation, &answer).with_context(|| told)?;
        match call.wanted {
            Wanted::Success => self.succeeded.insert(operation.id().to_owned()),
            Wanted::Status(_) => false,
            Wanted::Code(code) => self.codes.insert(code.to_owned()),
        };
        Ok(answer)
    }
}

/// Fills path and query, and sends.
pub(crate) async fn send(client: &Client, call: &Call) -> Result<Answer> {
    let mut path = call.path.to_owned();
    if let (Some(from), Some(to)) = (path.find('{'), path.find('}')) {
        path.replace_range(from..=to, &call.id);
    }
    path = path.replace("{seq}", &call.seq.to_string());
    if !call.query.is_empty() {
        path = format!("{path}?{}", call.query);
    }
    let mut request = client.request(call.method.clone(), &path);
    for (name, value) in &call.headers {
        request = request.header(*name, value);
    }
    if let Some(body) = &call.body {
        request = request.body(body.clone());
    }
    let answer = request.send().await?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    // After 101 the connection is no longer one of bodies.
    let text = if status.as_u16() == 101 { String::new() } else { answer.text().await? };
    Ok(Answer { status, headers, text })
}

/// Every operation, so that it succeeds, in the variants that show every field.
pub(crate) async fn succeed(caller: &mut Caller<'_>) -> Result<()> {
    let talk = json!({ "conversation_id": "talk", "user_id": "ana", "messages": [
        { "content": "Good morning! Can the release move to Friday?", "timestamp": "2026-03-02 09:00:00.25+02:00" },
        { "content": "Yes, we decided to ship on Friday.", "user_id": "ben", "message_id": "m-2",
          "metadata": { "channel": "#release", "tags": ["a", { "b": null }] } },
        { "content": "I will fix the payment tests by tomorrow.", "user_id": "carla", "timestamp": null },
        { "content": "The notes are done. Who sends them?", "metadata": null, "message_id": null },
    ] });
    let key = |call: Call| call.header("idempotency-key", "first");
    caller.check(key(Call::post("/chats", &talk))).await?;
    let again = caller.check(key(Call::post("/chats", &talk))).await?;
    ensure!(again.header("idempotency-replayed") == "true");
    let repost = json!({ "conversation_id": "talk", "messages": [
        { "content": "Yes, we decided to ship on Friday.", "user_id": "ben", "message_id": "m-2",
          "metadata": { "channel": "#release", "tags": ["a", { "b": null }] } }] });
    let repost = caller.check(Call::post("/chats", &repost)).await?.ok()?;
    ensure!(repost["duplicate_count"] == 1, "{repost}");
    caller.check(Call::post("/chats", json!({ "user_id": "u", "messages": [{ "content": "unnamed" }] }))).await?;

    let page =
        caller.check(Call::get("/chats/{conversation_id}").id("talk").query("limit=1&order=desc")).await?.ok()?;
    let cursor = page["next_cursor"].as_str().context("no cursor")?;
    caller.check(Call::get("/chats/{conversation_id}").id("talk").query(&format!("cursor={cursor}"))).await?;
    caller
        .check(Call::get("/chats/{conversation_id}").id("talk").query("since=2026-03-02&until=2026-03-02T12:00:00Z"))
        .await?;

    let around =
        caller.check(Call::get("/chats/{conversation_id}").id("talk").query("around_seq=2&limit=2")).await?.ok()?;
    ensure!(around["messages"][1]["seq"] == 2 && around["preceding_messages"] == 0, "{around}");

    for kind in ["brief", "detailed"] {
        let body = json!({ "conversation_id": "talk", "summary_type": kind });
        let summary = caller.check(Call::post("/chats/summarize", body)).await?.ok()?;
        ensure!(!summary["insights"]["action_item_details"].as_array().context("no items")?.is_empty(), "{summary}");
        let query = format!("summary_type={kind}");
        caller.check(Call::get("/chats/{conversation_id}/summary").id("talk").query(&query)).await?;
        caller.check(Call::get("/chats/{conversation_id}/summaries").id("talk").query(&query)).await?;
    }
    let message = "/chats/{conversation_id}/messages/{seq}";
    let edit = json!({ "content": "Yes, we ship on Monday.", "metadata": { "channel": "#release" } });
    let edited = caller.check(Call::patch(message, edit).id("talk").seq(2)).await?.ok()?;
    ensure!(edited["edited_at"].is_string() && edited["message_id"] == "m-2", "{edited}");
    let page = caller.check(Call::get("/chats/{conversation_id}").id("talk")).await?.ok()?;
    ensure!(page["messages"].as_array().is_some_and(|messages| messages.contains(&edited)), "{page}");
    for _ in 0..2 {
        caller.check(Call::delete(message).id("talk").seq(4)).await?;
    }
    caller.check(Call::post("/chats/summarize", json!({ "conversation_id": "talk" }))).await?;
    caller.check(Call::get("/chats/{conversation_id}/summaries").id("talk")).await?;
    caller.check(Call::patch(message, json!({ "content": "x" })).id("talk").seq(4).refused("conflict")).await?;
    caller.check(Call::get("/chats").query("contains=talk&limit=100")).await?;
    caller.check(Call::post("/chats/{conversation_id}/end", "{}").id("talk")).await?;
    let bare = Call { body: None, headers: Vec::new(), ..Call::post("/chats/{conversation_id}/end", "").id("talk") };
    caller.check(bare).await?;
    caller.check(Call::get("/chats")).await?;
    let query = "start_date=2020-01-01&end_date=2030-01-01T00:00:00Z";
    caller.check(Call::get("/users/{user_id}/chats").id("ana").query(query)).await?;
    caller.check(Call::get("/users/{user_id}/chats").id("nobody").query("page=3")).await?;
    caller.check(Call::upgrade("conversation_id=talk&since_version=0&partial=0")).await?;
    caller.check(Call::upgrade("").header("sec-websocket-protocol", "recap")).await?;

    let named = json!({ "conversation_id": "summarize", "user_id": "u", "messages": [{ "content": "odd name" }] });
    caller.check(Call::post("/chats", &named)).await?;
    caller.check(Call::get("/chats/summarize")).await?;
    caller.check(Call::delete("/chats/summarize")).await?;
    caller.check(Call::delete("/chats/{conversation_id}").id("talk")).await?;
    of_operators(caller).await
}

/// What needs the scope `admin`, about what `caller` posted for the same tenant.
pub(crate) async fn succeed_as_admin(caller: &mut Caller<'_>, admin: &mut Caller<'_>) -> Result<()> {
    let leaver = json!({ "conversation_id": "farewell", "user_id": "zoe", "messages": [{ "content": "Goodbye." }] });
    caller.check(Call::post("/chats", &leaver)).await?;
    wait::until("what is to be exported", || async {
        let page = caller.client.get("/users/zoe/chats").await?.ok()?;
        Ok((page["total_conversations"] == 1).then_some(()))
    })
    .await?;
    let export = admin.check(Call::get("/users/{user_id}/export").id("zoe")).await?;
    ensure!(export.text.lines().count() == 1 && export.text.contains("Goodbye."), "{export:?}");
    admin.check(Call::delete("/users/{user_id}").id("zoe")).await?;
    let erasure = || Call::get("/users/{user_id}/erasure").id("zoe");
    admin.check(erasure()).await?;
    wait::until("the user to be erased", || async {
        let state = admin.client.get("/users/zoe/erasure").await?.ok()?;
        Ok((state["state"] == "done").then_some(()))
    })
    .await?;
    admin.check(erasure()).await.map(drop)
}

/// Refusals of what needs the scope `admin`.
pub(crate) async fn fail_as_admin(admin: &mut Caller<'_>) -> Result<()> {
    for call in [Call::get("/users/{user_id}/export"), Call::get("/users/{user_id}/erasure")] {
        admin.check(call.clone().id("nobody").refused("not_found")).await?;
        admin.check(call.id("nobody").query("page=1").refused("invalid_request")).await?;
    }
    admin.check(Call::delete("/users/{user_id}").id("nobody").query("force=1").refused("invalid_request")).await?;
    Ok(())
}

async fn of_operators(caller: &mut Caller<'_>) -> Result<()> {
    for path in ["/healthz", "/readyz", "/metrics"] {
        caller.check(Call::get(path)).await?;
    }
    for (path, name) in [
        ("/", ""),
        ("/docs", ""),
        ("/openapi.json", ""),
        ("/asyncapi.json", ""),
        ("/assets/{name}", "docs.js"),
        ("/assets/{name}", "app.js"),
    ] {
        let first = caller.check(Call::get(path).id(name)).await?;
        let etag = first.header("etag").to_owned();
        caller.check(Call::get(path).id(name).header("if-none-match", etag).status(304)).await?;
    }
    Ok(())
}

/// Refusals that need no server of their own.
pub(crate) async fn fail(caller: &mut Caller<'_>) -> Result<()> {
    let one = |content: &str, id: &str| -> Value {
        json!({ "conversation_id": "taken", "user_id": "u", "messages": [{ "content": content, "message_id": id }] })
    };
    let key = |call: Call| call.header("idempotency-key", "second");
    caller.check(key(Call::post("/chats", one("first", "m")))).await?;
    caller.check(key(Call::post("/chats", one("second", "n"))).refused("idempotency_mismatch")).await?;
    caller.check(Call::post("/chats", one("other", "m")).refused("conflict")).await?;
    for path in ["/chats", "/chats/summarize", "/chats/{conversation_id}/end"] {
        caller.check(Call::post(path, "{").id("taken").refused("invalid_json")).await?;
        caller.check(Call::post(path, "[]").id("taken").refused("invalid_request")).await?;
        let text = Call::post(path, "{}").id("taken").header("content-type", "text/plain");
        caller.check(text.refused("unsupported_media_type")).await?;
    }
    let cursor = Call::get("/chats/{conversation_id}").id("taken").query("cursor=AAAA");
    caller.check(cursor.refused("invalid_cursor")).await?;
    let around = Call::get("/chats/{conversation_id}").id("taken").query("around_seq=4711");
    caller.check(around.refused("not_found")).await?;
    let nobody = Call::post("/chats/summarize", json!({ "conversation_id": "nobody" }));
    caller.check(nobody.refused("conversation_not_found")).await?;
    caller
        .check(Call::post("/chats/{conversation_id}/end", "{}").id("nobody").refused("conversation_not_found"))
        .await?;
    caller.check(Call::delete("/chats/summarize").refused("conversation_not_found")).await?;
    for path in [
        "/chats/{conversation_id}",
        "/chats/{conversation_id}/summary",
        "/chats/{conversation_id}/summaries",
        "/chats/summarize",
    ] {
        caller.check(Call::get(path).id("nobody").refused("conversation_not_found")).await?;
        caller.check(Call::get(path).id("nobody").query("pgae=1").refused("invalid_request")).await?;
    }
    let message = "/chats/{conversation_id}/messages/{seq}";
    let edit = || Call::patch(message, json!({ "content": "x" }));
    for call in [edit(), Call::delete(message)] {
        caller.check(call.clone().id("taken").seq(4711).refused("not_found")).await?;
        caller.check(call.clone().id("nobody").refused("conversation_not_found")).await?;
        caller.check(call.id("taken").seq(0).refused("invalid_request")).await?;
    }
    for (body, code) in [("{", "invalid_json"), ("{}", "invalid_request"), ("{\"user_id\":\"eve\"}", "invalid_request")]
    {
        caller.check(Call::patch(message, body).id("taken").refused(code)).await?;
    }
    let text = edit().id("taken").header("content-type", "text/plain");
    caller.check(text.refused("unsupported_media_type")).await?;
    caller.check(Call::get("/assets/{name}").id("nothing").refused("not_found")).await?;
    caller.check(Call::get("/ws/summarize").refused("invalid_request")).await?;
    let old = Call::upgrade("").header("sec-websocket-version", "8");
    caller.check(old.refused("invalid_request")).await?;
    let foreign = Call::upgrade("").header("origin", "https://example.com");
    caller.check(foreign.refused("forbidden")).await?;
    for path in ["/chats", "/healthz", "/docs", "/ws/summarize"] {
        caller.check(Call::get(path).query("api_key=rk_secret").refused("key_in_url")).await?;
    }
    let two = Call::get("/chats").header("authorization", "Bearer rk_a").header("x-api-key", "rk_b");
    caller.check(two.refused("invalid_request")).await?;
    Ok(())
}
