//! Canaries in everything that a client, a model or an operator says, and a search for them in everything that the
//! server writes: logs at their most talkative, metrics, health, errors, help, complaints.

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use reqwest::header::HeaderValue;
use serde_json::json;
use shared_testkit::client::Client;
use shared_testkit::model::{Fault, ModelServer};
use shared_testkit::process::Launch;
use shared_testkit::raw_socket::{RawSocket, frame};
use shared_testkit::{scenarios, wait};

use crate::{RECAP, Recap};

/// Begins every canary. No word of any language, and nothing that a program writes by itself.
const CANARY: &str = "Qanary";

/// A canary with its place in its name.
fn canary(place: &str) -> String {
    format!("{CANARY}{place}")
}

/// No canary stands in a text, whatever its letters' case.
fn silent(what: &str, text: &str) -> Result<()> {
    let lower = text.to_lowercase();
    let Some(at) = lower.find(&CANARY.to_lowercase()) else { return Ok(()) };
    let around = lower.floor_char_boundary(at.saturating_sub(200))..lower.ceil_char_boundary(at + 60);
    anyhow::bail!("{what} tells: {}", &lower[around])
}

/// Calls of all kinds, good and bad, with a canary in each part; the errors' bodies tell nothing either.
async fn say_everything(client: &Client, address: &str) -> Result<()> {
    for round in 0..2 {
        let message = json!({
            "content": format!("{} will send the report by Friday", canary("Text")),
            "metadata": { canary("Name"): canary("Value") },
        });
        let body = json!({ "conversation_id": "c", "user_id": "u", "messages": [message] });
        let post = client.request(Method::POST, "/chats").json(&body);
        let post = post.header("idempotency-key", canary(&format!("Key{round}"))).header("cookie", canary("Cookie"));
        let posted = client.send(post.header("user-agent", canary("Agent")).header("referer", canary("From"))).await?;
        silent("the answer to a post", &format!("{:?} {}", posted.headers, posted.text))?;
    }
    let long = format!("{} {}", canary("Long"), "x".repeat(40_000));
    let faults = [
        json!({ "user_id": "u", "messages": [{ "content": long }] }).to_string(),
        json!({ "user_id": "u", "messages": [{ "content": canary("Text"), "timestamp": canary("Time") }] }).to_string(),
        json!({ "user_id": canary("User").repeat(100), "messages": [{ "content": "x" }] }).to_string(),
        json!({ "user_id": "u", "messages": [{ "content": "x", "metadata": canary("Meta") }] }).to_string(),
        format!("{{\"user_id\":\"{}\",", canary("Half")),
        format!("{} is no JSON", canary("Json")),
    ];
    for body in faults {
        let request = client.request(Method::POST, "/chats").header("content-type", "application/json").body(body);
        let answer = client.send(request).await?;
        ensure!(answer.status == 400, "{answer:?}");
        silent("an error", &answer.text)?;
    }
    for path in ["/chats/none?cursor=", "/chats?contains=", "/chats?api_key=", "/nowhere/", "/chats/none?limit="] {
        let answer = client.get(&format!("{path}{}", canary("Url"))).await?;
        silent("an answer", &answer.text)?;
    }
    for (name, value) in [("x-api-key", "rk_"), ("authorization", "Bearer rk_"), ("authorization", "Basic ")] {
        let value = HeaderValue::from_str(&format!("{value}{}", canary("Header")))?;
        let answer = client.send(client.request(Method::GET, "/chats").header(name, value)).await?;
        silent("a refusal", &format!("{:?} {}", answer.headers, answer.text))?;
    }
    let odd = client.request(Method::GET, "/chats/none").header("x-request-id", format!("{} !", canary("Id")));
    silent("an answer", &format!("{:?}", client.send(odd).await?))?;
    for text in [format!("{} is no JSON", canary("Frame")), json!({ "conversation_id": 7, "x": 1 }).to_string()] {
        let mut socket = RawSocket::open(address, "", "").await?;
        socket.send(&frame(0x81, text.as_bytes())).await?;
        let (_, texts) = socket.end().await?;
        silent("a frame", &texts.concat())?;
    }
    Ok(())
}

/// A model that repeats what it was asked, and what it was asked with, in every way to fail.
fn echoes() -> Vec<Fault> {
    let body = |status: u16| {
        let message = format!("bad: {}", canary("Model"));
        let body = json!({ "error": { "message": message, "code": canary("Code"), "type": canary("Type") } });
        Fault::Status(status, vec![("x-told", canary("ModelHeader"))], body.to_string())
    };
    let answer = || Fault::Text(|text| format!("{CANARY}Answer {text} {CANARY}Answer"));
    // An answer now and then, so that the breaker stays closed; the refusal of the key, which opens it, comes last.
    vec![
        answer(),
        body(400),
        body(422),
        Fault::Body("application/json", canary("ModelBody").into_bytes()),
        Fault::Body("text/event-stream", format!("data: {}\n\n", canary("ModelLine")).into_bytes()),
        body(500),
        body(503),
        answer(),
        body(429),
        Fault::CutStream,
        answer(),
        body(401),
    ]
}

async fn told_nothing(level: &str, format: &str) -> Result<()> {
    let model = ModelServer::start(false).await?;
    let recap = Recap::with(|launch| {
        let launch = scenarios::settings(launch).env("LOG_LEVEL", level).env("LOG_FORMAT", format);
        // Addresses of proxies and models may hold passwords as well.
        let address = model.base_url().replace("http://", &format!("http://u:{}@", canary("Url")));
        let launch = launch.env("OPENAI_API_KEY", canary("ModelKey")).env("OPENAI_BASE_URL", address);
        launch.env("OPENAI_MODEL", "mock").env("LLM_TRIES", "1").env("LLM_REDO_INTERVAL", "50ms")
    })
    .await?;
    let made = Launch::recap(RECAP, recap.data.path());
    let made = ["keys", "create", "--tenant", "t", "--scopes", "write,read"].iter().fold(made, |l, arg| l.arg(*arg));
    let key = String::from_utf8(made.output().await?.stdout)?.trim().to_owned();
    let known = recap.client.with_key(&key);
    for client in [&recap.client, &known] {
        say_everything(client, recap.server.address()).await?;
    }
    model.play(echoes());
    for n in 0..echoes().len() {
        let name = format!("model-{n}");
        let text = format!("{} will fix the payment tests by Friday", canary("Text"));
        recap.client.say(&name, &[("ben", text.as_str())]).await?;
        let asked = recap.client.post("/chats/summarize", &json!({ "conversation_id": name })).await?;
        ensure!(asked.status == 200, "{asked:?}");
    }
    wait::until("the model's faults", async || Ok((model.left() == 0).then_some(()))).await?;
    for path in ["/metrics", "/healthz", "/readyz"] {
        silent(path, &recap.client.get(path).await?.text)?;
    }
    let listed = Launch::recap(RECAP, recap.data.path()).arg("keys").arg("list").output().await?;
    ensure!(!String::from_utf8(listed.stdout)?.contains(&key), "a list of keys shows one");
    // What was written while it stopped is part of what it wrote.
    let log = recap.server.log_when_stopped().await?;
    silent(&format!("the log at {level}, {format}"), &log)?;
    for (what, secret) in [("a key", key.as_str()), ("a prompt", "never follow"), ("a question", "payment tests")] {
        ensure!(!log.contains(secret), "the log tells {what}");
    }
    let fewest = if level == "trace" { 100 } else { 3 };
    ensure!(log.lines().count() > fewest, "nothing was logged: {log}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_tell_nothing_of_what_was_said() -> Result<()> {
    told_nothing("trace", "json").await
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_for_people_tell_no_more() -> Result<()> {
    told_nothing("trace", "pretty").await
}

/// Every setting that may hold a secret, set to one.
fn with_secrets(launch: Launch) -> Launch {
    let address = |scheme: &str| format!("{scheme}://u:{}@127.0.0.1:1/x", canary("Password"));
    launch
        .env("OPENAI_API_KEY", canary("ModelKey"))
        .env("OPENAI_BASE_URL", address("http"))
        .env("RECAP_KEY", format!("rk_{}", canary("Key")))
        .env("RECAP_URL", address("http"))
        .env("STORE_URL", address("mongodb"))
        .env("BUS_URL", address("nats"))
        .env("REDIS_URL", address("redis"))
}

#[tokio::test(flavor = "multi_thread")]
async fn help_and_complaints_show_no_secret() -> Result<()> {
    let data = tempfile::tempdir()?;
    let help = Launch::recap(RECAP, data.path()).arg("--help").output().await?;
    let help = String::from_utf8(help.stdout)?;
    let commands = help.split("Commands:").nth(1).context("no commands")?.split("\n\n").next().unwrap_or_default();
    let commands: Vec<&str> = commands.lines().filter_map(|line| line.split_whitespace().next()).collect();
    ensure!(commands.len() > 5, "{commands:?}");
    let calls = commands.iter().map(|command| vec![*command, "--help"]);
    let calls =
        calls.chain([vec!["--help"], vec!["-h"], vec!["--nonsense"], vec!["serve", "--llm-tries", "0"], vec![]]);
    for call in calls {
        let launch = call.iter().fold(with_secrets(Launch::recap(RECAP, data.path())), |launch, arg| launch.arg(*arg));
        let output = launch.output().await?;
        let text = [output.stdout, output.stderr].concat();
        silent(&format!("recap {}", call.join(" ")), &String::from_utf8_lossy(&text))?;
    }
    // Each of them wrong in itself, alone.
    for name in ["OPENAI_API_KEY", "OPENAI_BASE_URL", "STORE_URL", "BUS_URL", "REDIS_URL", "RECAP_KEY", "RECAP_URL"] {
        for wrong in [format!("{} two", canary("Wrong")), format!("ftp://u:{}@h", canary("Wrong"))] {
            for command in ["serve", "watch", "check"] {
                let launch = Launch::recap(RECAP, data.path()).env(name, wrong.clone()).arg(command);
                let launch = if command == "watch" { launch.arg("c") } else { launch };
                let launch = launch.env("LLM_TRIES", "0");
                let output = launch.output().await?;
                let text = [output.stdout, output.stderr].concat();
                silent(&format!("{name} for {command}"), &String::from_utf8_lossy(&text))?;
            }
        }
    }
    Ok(())
}
