//! All that a user wrote, exported and erased: it is found nowhere afterwards, and what others said stays as it was.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use shared::domain::Timestamp;

use crate::client::{Client, encode};
use crate::wait;

/// In everything that the user to be erased writes, and in its name.
pub const WORD: &str = "quetzalcoatlus";
/// The user to be erased.
pub const LEAVER: &str = "user-quetzalcoatlus";
const TALKS: [&str; 3] = ["users-short", "users-long", "users-alone"];
const UNTOUCHED: &str = "users-without";

fn said(number: usize) -> Value {
    json!({
        "content": format!("We decided to ship project {WORD} on Friday. Part {number}."),
        "user_id": LEAVER, "metadata": {"about": WORD}, "timestamp": format!("2026-03-02T09:{:02}:00Z", number % 60),
    })
}

/// Three users in several conversations, one of which is long, one all the leaver's own, and one without the leaver;
/// summaries are made of all of them.
async fn talk(client: &Client) -> Result<()> {
    let others = |number: usize| {
        let user = if number.is_multiple_of(2) { "users-ben" } else { "users-carla" };
        let content = format!("Line {number} of the plan, and I will write the tests by tomorrow.");
        json!({"content": content, "user_id": user})
    };
    let short = vec![others(0), said(1), others(2), said(3)];
    let long = (0..90).map(|number| if number % 9 == 4 { said(number) } else { others(number) }).collect();
    let alone = vec![said(0), said(1)];
    let without = vec![others(0), others(1)];
    for (conversation, messages) in TALKS.into_iter().chain([UNTOUCHED]).zip([short, long, alone, without]) {
        let body = json!({"conversation_id": conversation, "user_id": "u", "messages": messages});
        client.post("/chats", &body).await?.ok()?;
        client.post("/chats/summarize", &json!({"conversation_id": conversation})).await?.ok()?;
        client.settled_summary(conversation).await?;
    }
    Ok(())
}

/// Everything that can be read of these conversations.
async fn everything(client: &Client) -> Result<String> {
    let mut all = client.get("/chats?contains=users-&limit=100").await?.text;
    for conversation in TALKS {
        for path in [
            format!("/chats/{conversation}?limit=500"),
            format!("/chats/{conversation}/summary?summary_type=detailed"),
            format!("/chats/{conversation}/summaries?limit=100"),
            format!("/chats/{conversation}/summaries?limit=100&summary_type=detailed"),
        ] {
            all.push_str(&client.get(&path).await?.text);
        }
    }
    for user in ["users-ben", "users-carla"] {
        all.push_str(&client.get(&format!("/users/{user}/chats?limit=100")).await?.text);
    }
    Ok(all)
}

async fn history_of(client: &Client, user: &str) -> Result<u64> {
    let page = client.get(&format!("/users/{user}/chats")).await?.ok()?;
    page["total_conversations"].as_u64().with_context(|| page.to_string())
}

/// Demands that a user be erased, and waits until that is done.
pub async fn erase(admin: &Client, user: &str) -> Result<Value> {
    let path = format!("/users/{}", encode(user));
    let demanded = admin.delete(&path).await?;
    ensure!(demanded.status == 202, "{demanded:?}");
    erased(admin, user, &demanded.json()?["asked_at"]).await
}

/// Waits until what was demanded then is done.
pub async fn erased(admin: &Client, user: &str, asked_at: &Value) -> Result<Value> {
    let path = format!("/users/{}/erasure", encode(user));
    wait::until("the user to be erased", || async {
        let state = admin.get(&path).await?.ok()?;
        ensure!(state["asked_at"] == *asked_at, "{state}, but asked at {asked_at}");
        ensure!((state["state"] == "done") == state["finished_at"].is_string(), "{state}");
        Ok((state["state"] == "done").then_some(state))
    })
    .await
}

/// The whole story. `admin` is a client of the same tenant with the scope `admin`.
pub async fn exported_and_erased(client: &Client, admin: &Client) -> Result<()> {
    talk(client).await?;
    wait::until("the leaver's history", || async { Ok((history_of(client, LEAVER).await? == 3).then_some(())) })
        .await?;
    ensure!(everything(client).await?.contains(WORD), "the word must be in what is made of it");
    let untouched = (client.history(UNTOUCHED).await?, client.settled_summary(UNTOUCHED).await?);
    let others = others(client).await?;

    let export = admin.get(&format!("/users/{LEAVER}/export")).await?;
    ensure!(export.status == 200 && export.header("content-type") == "application/x-ndjson", "{export:?}");
    ensure!(lines(&export.text)? == all_of(client, LEAVER).await?, "{}", export.text);
    let again = admin.get(&format!("/users/{LEAVER}/export")).await?;
    ensure!(again.text == export.text, "the order is not stable");
    let nobody = admin.get("/users/nobody/export").await?;
    ensure!(nobody.status == 404 && nobody.code()? == "not_found", "{nobody:?}");
    ensure!(admin.get(&format!("/users/{LEAVER}/erasure")).await?.code()? == "not_found");

    let demanded = admin.delete(&format!("/users/{LEAVER}")).await?;
    ensure!(demanded.status == 202 && demanded.json()?["state"] == "running", "{demanded:?}");
    let later = json!({"conversation_id": TALKS[0], "user_id": LEAVER, "messages": [{"content": "One more thing."}]});
    later_than(client, &demanded.json()?["asked_at"]).await?;
    client.post("/chats", &later).await?.ok()?;
    erased(admin, LEAVER, &demanded.json()?["asked_at"]).await?;
    wait::until("the history of what came later", || async {
        Ok((history_of(client, LEAVER).await? == 1).then_some(()))
    })
    .await?;
    ensure!(all_of(client, LEAVER).await?.len() == 1, "what came after the demand stays");
    let left = everything(client).await?.replace(LEAVER, "");
    ensure!(!left.contains(WORD), "{left}");

    let done = erase(admin, LEAVER).await?;
    ensure!(done["user_id"] == LEAVER, "{done}");
    ensure!(history_of(client, LEAVER).await? == 0, "as soon as it is done");
    ensure!(!everything(client).await?.contains(WORD), "as soon as it is done");
    ensure!(admin.get(&format!("/users/{LEAVER}/export")).await?.code()? == "not_found");
    ensure!(self::others(client).await? == others, "what others said stays as it was");
    let now = (client.history(UNTOUCHED).await?, client.settled_summary(UNTOUCHED).await?);
    ensure!(now == untouched, "{now:?}\nbut {untouched:?}");
    for (conversation, messages) in TALKS.into_iter().zip([2, 80]) {
        let summary = client.settled_summary(conversation).await?;
        ensure!(summary["covers"]["messages"] == messages, "{summary}");
    }
    let alone = client.get("/chats/users-alone").await?.ok()?;
    ensure!(alone["messages"] == json!([]) && alone["total_messages"] == 0, "{alone}");
    ensure!(!everything(client).await?.contains(WORD), "in the end");
    Ok(())
}

/// Waits until the server's clock shows a later millisecond.
async fn later_than(client: &Client, at: &Value) -> Result<()> {
    let at = Timestamp::parse(at.as_str().context("no time")?)?;
    wait::until("the next millisecond", || async {
        client.say("users-clock", &[("users-ben", "tick")]).await?;
        let last = client.history("users-clock").await?.pop().context("no message")?;
        Ok((Timestamp::parse(last["timestamp"].as_str().context("no time")?)? > at).then_some(()))
    })
    .await
}

/// What others than the leaver wrote.
async fn others(client: &Client) -> Result<Vec<Vec<Value>>> {
    let mut all = Vec::new();
    for conversation in TALKS {
        let mut messages = client.history(conversation).await?;
        messages.retain(|message| message["user_id"] != LEAVER);
        all.push(messages);
    }
    Ok(all)
}

/// What a user wrote, from the histories of conversations: conversation, text, metadata, in the order of an export.
async fn all_of(client: &Client, user: &str) -> Result<Vec<(String, String, Value)>> {
    let mut all = Vec::new();
    let mut talks = TALKS;
    talks.sort_unstable();
    for conversation in talks {
        let mut messages = client.history(conversation).await?;
        messages.retain(|message| message["user_id"] == user);
        messages.sort_by_key(|message| message["seq"].as_u64());
        let told =
            |message: &Value| (conversation.to_owned(), message["content"].to_string(), message["metadata"].clone());
        all.extend(messages.iter().map(told));
    }
    Ok(all)
}

fn lines(export: &str) -> Result<Vec<(String, String, Value)>> {
    let mut all = Vec::new();
    for line in export.lines() {
        let line: Value = serde_json::from_str(line).with_context(|| line.to_owned())?;
        let conversation = line["conversation_id"].as_str().context("no conversation")?;
        ensure!(line["user_id"] == LEAVER && line["message_id"].is_string(), "{line}");
        all.push((conversation.to_owned(), line["content"].to_string(), line["metadata"].clone()));
    }
    Ok(all)
}
