//! Who may do what: every operation of the described API with every kind of key, and every way to a socket.
//!
//! The list of operations is the server's own document, which other tests hold against its router: a new route is
//! walked by itself, and one of a shape that is not known here fails.

use anyhow::{Context, Result, bail, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Answer, Client};

/// The conversation that all of this is about. It belongs to the tenant of [`Keys::all`].
pub(super) const CONVERSATION: &str = "whose";
pub(super) const USER: &str = "anna";
pub(super) const MISSING: &str = "nowhere";

/// Texts of keys. All but `other` are of one tenant; `other` has all scopes too.
#[derive(Debug, Clone)]
pub struct Keys {
    /// `write`, `read` and `admin`.
    pub all: String,
    /// One scope each: `write`, `read`, `admin`.
    pub single: [String; 3],
    /// Of another tenant.
    pub other: String,
    /// Its time is over.
    pub expired: String,
    /// It was revoked.
    pub revoked: String,
}

const SCOPES: [&str; 3] = ["write", "read", "admin"];

/// One method of one path, as described.
pub(super) struct Operation<'d> {
    method: Method,
    path: &'d str,
    described: &'d Value,
}

impl Operation<'_> {
    /// The scope that it needs; none where it is open.
    pub(super) fn scope(&self) -> Result<Option<&str>> {
        let security = self.described["security"].as_array().with_context(|| format!("{self}: nothing on security"))?;
        let named = security.iter().find_map(|one| one["bearer"][0].as_str());
        ensure!(named.is_some() || security.is_empty(), "{self}: no scope");
        Ok(named)
    }

    /// Its path about this conversation or user.
    fn at(&self, conversation: &str, user: &str) -> Result<String> {
        let path = self.path.replace("{conversation_id}", conversation).replace("{user_id}", user);
        let path = path.replace("{seq}", "1").replace("{name}", "app.js");
        ensure!(!path.contains('{'), "{self}: this matrix does not know what to put into the path");
        Ok(path)
    }

    /// Its example as a body about this conversation, if it takes one.
    fn body(&self, conversation: &str) -> Option<Value> {
        let mut body = self.described["requestBody"]["content"]["application/json"]["example"].clone();
        if body.get("conversation_id").is_some() {
            // Whoever posts makes a conversation of its own; it must not be the one that is asked about.
            let posts = self.path == "/chats";
            body["conversation_id"] =
                if posts { format!("{conversation}-posted") } else { conversation.to_owned() }.into();
        }
        (!body.is_null()).then_some(body)
    }

    pub(super) fn only_reads(&self) -> bool {
        self.method == Method::GET
    }

    /// Whether it is about a conversation that must exist, or about a user.
    pub(super) fn is_about_somebody(&self) -> bool {
        let named = self.body("").is_some_and(|body| body.get("conversation_id").is_some());
        self.path.contains("_id}") || named && self.path != "/chats"
    }

    pub(super) async fn call(&self, client: &Client, conversation: &str, user: &str) -> Result<Answer> {
        let mut request = client.request(self.method.clone(), &self.at(conversation, user)?);
        if let Some(body) = self.body(conversation) {
            request = request.json(&body);
        }
        client.send(request).await
    }
}

impl std::fmt::Display for Operation<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// Reads first, erasing last, so that there is something to be seen for as long as possible.
pub(super) fn operations(openapi: &Value) -> Result<Vec<Operation<'_>>> {
    let mut found = Vec::new();
    for (path, item) in openapi["paths"].as_object().context("no paths")? {
        for (name, described) in item.as_object().into_iter().flatten().filter(|(name, _)| *name != "parameters") {
            let method = Method::from_bytes(name.to_uppercase().as_bytes())?;
            found.push(Operation { method, path, described });
        }
    }
    found.sort_by_key(|operation| match operation.method {
        Method::GET => 0,
        Method::DELETE => 2,
        _ => 1,
    });
    Ok(found)
}

/// An answer without what differs from call to call.
fn comparable(answer: &Answer) -> (u16, String) {
    let mut text = answer.text.clone();
    if let Ok(mut body) = answer.json() {
        if body["detail"]["timestamp"].is_string() {
            body["detail"]["timestamp"] = "".into();
        }
        if body["asked_at"].is_string() {
            body["asked_at"] = "".into();
        }
        text = body.to_string();
    }
    for name in [CONVERSATION, USER, MISSING] {
        text = text.replace(name, "name");
    }
    (answer.status.as_u16(), text)
}

/// Every operation × every kind of caller. `anonymous` says whether the server lets in those without a key.
pub async fn matrix(client: &Client, keys: &Keys, anonymous: bool) -> Result<usize> {
    let openapi = client.get("/openapi.json").await?.ok()?;
    let all = client.with_key(&keys.all);
    let mut calls = 0;
    for operation in operations(&openapi)? {
        // What an operation may have ended or erased is there again for the next one.
        all.say(CONVERSATION, &[(USER, "a text that is nobody else's")]).await?;
        calls += match operation.scope()? {
            None => open(&operation, client, keys).await,
            Some(scope) => guarded(&operation, scope, client, keys, anonymous).await,
        }
        .with_context(|| operation.to_string())?;
        let in_url = client.request(operation.method.clone(), &operation.at(CONVERSATION, USER)?);
        for pair in [("api_key", "x"), ("limit", keys.all.as_str())] {
            let answer = client.send(in_url.try_clone().context("a plain request")?.query(&[pair])).await?;
            ensure!(answer.status == 400 && answer.code()? == "key_in_url", "{operation} by URL: {answer:?}");
            calls += 1;
        }
    }
    Ok(calls)
}

/// What operators and pages need says the same to everybody.
async fn open(operation: &Operation<'_>, client: &Client, keys: &Keys) -> Result<usize> {
    let plain = operation.call(client, CONVERSATION, USER).await?;
    ensure!(plain.status.is_success(), "without a key: {plain:?}");
    for key in [&keys.all, &keys.other, &keys.expired, &keys.revoked] {
        let answer = operation.call(&client.with_key(key), CONVERSATION, USER).await?;
        ensure!(answer.status == plain.status, "{answer:?}");
    }
    Ok(5)
}

async fn guarded(
    operation: &Operation<'_>,
    scope: &str,
    client: &Client,
    keys: &Keys,
    anonymous: bool,
) -> Result<usize> {
    let mut calls = 0;
    let mut refused = async |client: &Client, code: &str, who: &str| {
        let answer = operation.call(client, CONVERSATION, USER).await?;
        calls += 1;
        ensure!(answer.code().ok().as_deref() == Some(code), "{who}: not {code} but {answer:?}");
        ensure!(!answer.text.contains("nobody else's"), "{who}: {answer:?}");
        anyhow::Ok(())
    };
    for (who, key) in [
        ("wrong", "rk_0000000000000000000000000000000000000000"),
        ("expired", &keys.expired),
        ("revoked", &keys.revoked),
    ] {
        refused(&client.with_key(key), "unauthenticated", who).await?;
    }
    for (own, key) in SCOPES.iter().zip(&keys.single).filter(|(own, _)| **own != scope) {
        refused(&client.with_key(key), "forbidden", own).await?;
    }
    if !anonymous {
        refused(client, "unauthenticated", "no key").await?;
    } else if scope == "admin" {
        refused(client, "forbidden", "no key").await?;
    } else {
        calls += foreign(operation, client).await.context("no key")?;
    }
    calls += foreign(operation, &client.with_key(&keys.other)).await.context("another tenant")?;
    let own = &keys.single[SCOPES.iter().position(|name| *name == scope).context("an unknown scope")?];
    // An upgrade is asked for without the headers of one.
    let answer = operation.call(&client.with_key(own), CONVERSATION, USER).await?;
    let let_in = ![401, 403].contains(&answer.status.as_u16()) && answer.status.as_u16() < 500;
    ensure!(let_in, "with the scope {scope}: {answer:?}");
    Ok(calls + 1)
}

/// To another tenant what is there looks like what is nowhere, and stays there.
async fn foreign(operation: &Operation<'_>, client: &Client) -> Result<usize> {
    if !operation.is_about_somebody() {
        let answer = operation.call(client, CONVERSATION, USER).await?;
        ensure!(!answer.text.contains("nobody else's"), "{answer:?}");
        return Ok(1);
    }
    let (there, nowhere) =
        (operation.call(client, CONVERSATION, USER).await?, operation.call(client, MISSING, MISSING).await?);
    ensure!(comparable(&there) == comparable(&nowhere), "{there:?}\nbut {nowhere:?}");
    let headers = |answer: &Answer| {
        let mut names: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
        names.sort();
        names
    };
    ensure!(headers(&there) == headers(&nowhere), "{:?}\nbut {:?}", there.headers, nowhere.headers);
    Ok(2)
}

/// The socket: where the key stands, and what each kind of key opens.
pub async fn sockets(client: &Client, address: &str, keys: &Keys, anonymous: bool) -> Result<()> {
    // Its sockets make it large.
    Box::pin(every_way_in(client, address, keys, anonymous)).await
}

async fn every_way_in(client: &Client, address: &str, keys: &Keys, anonymous: bool) -> Result<()> {
    use crate::socket::{Frame, Socket};
    let (all, other) = (client.with_key(&keys.all), client.with_key(&keys.other));
    all.say("heard", &[(USER, "one")]).await?;
    let query = "conversation_id=heard";
    for (key, status) in [
        (keys.expired.as_str(), 401),
        (&keys.revoked, 401),
        ("rk_0000000000000000000000000000000000000000", 401),
        (&keys.single[0], 403),
        (&keys.single[2], 403),
    ] {
        for header in ["authorization", "x-api-key", "sec-websocket-protocol"] {
            let refused = Socket::with_header(address, query, header, &worded(header, key)).await;
            let told = refused.err().context("it was let in")?.to_string();
            ensure!(told.contains(&status.to_string()), "{header}: {told}, not {status}");
        }
        let code = if status == 401 { "unauthenticated" } else { "forbidden" };
        let mut socket = Socket::connect(address, "").await?;
        socket.text(&json!({ "conversation_id": "heard", "key": key }).to_string()).await?;
        ensure!(socket.until("error").await?["detail"]["code"] == code);
        ensure!(socket.closed().await?.0 == 1008);
    }
    ensure!(Socket::connect(address, &format!("{query}&token=x")).await.is_err(), "a key in the URL");

    let mut listening = Vec::new();
    for header in ["authorization", "x-api-key", "sec-websocket-protocol"] {
        listening.push(Socket::with_header(address, query, header, &worded(header, &keys.all)).await?);
    }
    let mut by_frame = Socket::connect(address, "").await?;
    by_frame.text(&json!({ "conversation_id": "heard", "key": keys.single[1] }).to_string()).await?;
    listening.push(by_frame);
    let mut foreign = Socket::with_header(address, query, "x-api-key", &keys.other).await?;
    for socket in &mut listening {
        ensure!(socket.until("insights").await?["message_count"] == 1);
    }
    all.say("heard", &[(USER, "two")]).await?;
    for socket in &mut listening {
        socket.until_that("insights", |frame| frame["message_count"] == 2).await?;
    }
    // What the other tenant hears first is its own.
    other.say("heard", &[("ben", "mine")]).await?;
    let heard = foreign.until("insights").await?;
    ensure!(heard["message_count"] == 1 && heard["participants"][0]["user_id"] == "ben", "{heard}");

    let mut nobody = Socket::connect(address, query).await?;
    if anonymous {
        client.say("heard", &[("carl", "public")]).await?;
        let heard = nobody.until("insights").await?;
        ensure!(heard["participants"][0]["user_id"] == "carl", "{heard}");
        return Ok(());
    }
    nobody.text("{}").await?;
    match nobody.next().await? {
        Frame::Json(frame) if frame["detail"]["code"] == "unauthenticated" => {}
        other => bail!("without a key: {other:?}"),
    }
    let mut late = Socket::connect(address, query).await?;
    late.text(&json!({ "key": keys.all }).to_string()).await?;
    ensure!(late.until("insights").await?["message_count"] == 2);
    Ok(())
}

fn worded(header: &str, key: &str) -> String {
    match header {
        "authorization" => format!("Bearer {key}"),
        "sec-websocket-protocol" => format!("recap.key.{key}"),
        _ => key.to_owned(),
    }
}
