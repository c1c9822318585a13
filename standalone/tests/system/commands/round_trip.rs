//! Export, import into an empty server, export: the same bytes.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use shared_testkit::wait;

use super::{path, read};
use crate::Recap;

/// Conversations with all that makes a round trip hard.
async fn fill(recap: &Recap) -> Result<()> {
    let post = async |body: Value| recap.client.post("/chats", &body).await?.ok();
    let at = |second: u32| format!("2024-01-31T12:00:{second:02}.25Z");
    post(json!({"conversation_id": "plain", "user_id": "anna", "messages": [
        {"content": "second, but late", "timestamp": at(20)},
        {"content": "first", "timestamp": at(10)},
        {"content": "a tie", "timestamp": at(10), "user_id": "ben", "message_id": "seq:x"},
        {"content": " \n\n> quoted\r\n<script>alert(1)</script> &lt;b&gt; &amp; -->\n\t\u{202e}x\u{0}", "timestamp": at(30)},
        {"content": "no time of its own"},
    ]}))
    .await?;
    let odd = "team/ä \"x\" --> <b>&amp; 🦀";
    let raw = format!(
        r#"{{"conversation_id": {}, "messages": [
          {{"user_id": "<i> & **b**", "content": "x", "timestamp": "2024-01-31T12:00:00Z", "message_id": "m-->1 \\ \"",
            "metadata": {{"b" : 1.0,
                "a": ["-->", "\u003e", "\\u003E", "é 🦀", 1e3]}} }},
          {{"user_id": "u", "content": "y", "timestamp": "0001-01-01T00:00:00Z", "metadata": {{}} }} ]}}"#,
        json!(odd)
    );
    let request = recap.client.request(reqwest::Method::POST, "/chats").header("content-type", "application/json");
    recap.client.send(request.body(raw)).await?.ok()?;
    recap.client.say("over", &[("u", "and out")]).await?;
    recap.client.post("/chats/over/end", &json!({})).await?.ok()?;
    for name in ["aa", "zz"] {
        let messages: Vec<Value> =
            (0..700).map(|n| json!({"content": format!("message {n}"), "message_id": n.to_string()})).collect();
        post(json!({"conversation_id": name, "user_id": "u", "messages": messages})).await?;
    }
    settled(recap).await
}

/// Until the list holds all of them, and the end of one.
async fn settled(recap: &Recap) -> Result<()> {
    wait::until("the list of conversations", || async {
        let page = recap.client.get("/chats").await?.ok()?;
        let rows = page["conversations"].as_array().context("no rows")?;
        let messages: u64 = rows.iter().filter_map(|row| row["message_count"].as_u64()).sum();
        let ended = rows.iter().any(|row| row["conversation_id"] == "over" && row["ended"] == "requested");
        Ok((rows.len() == 5 && messages == 1408 && ended).then_some(()))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_exported_comes_back_and_exports_to_the_same_bytes() -> Result<()> {
    let (source, files) = (Recap::start().await?, tempfile::tempdir()?);
    fill(&source).await?;
    for (form, other) in [("jsonl", "markdown"), ("markdown", "jsonl")] {
        let (first, second) = (path(&files, &format!("first.{form}")), path(&files, &format!("second.{form}")));
        let told = source.run(&["export", "--all", "--format", form, "-o", &first]).await?.exits(0)?;
        ensure!(told.err.contains("1,408 messages of 5 conversations"), "{}", told.err);
        let target = Recap::start().await?;
        let report = target.run(&["import", "--json", &first]).await?.exits(0)?.json()?;
        ensure!(report["imported"] == 1408 && report["ended_conversations"] == 1, "{report}");
        settled(&target).await?;
        target.run(&["export", "--all", "--format", form, "-o", &second]).await?.exits(0)?;
        ensure!(read(&first)? == read(&second)?, "{form} differs");
        let across = source.run(&["export", "--all", "--format", other]).await?.exits(0)?;
        ensure!(
            target.run(&["export", "--all", "--format", other]).await?.exits(0)?.out == across.out,
            "{other} differs"
        );
        let again = target.run(&["import", "--json", &first]).await?.exits(0)?.json()?;
        ensure!(again["imported"] == 0 && again["already_there"] == 1408, "{again}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_comes_home_doubles_nothing() -> Result<()> {
    let (recap, files) = (Recap::start().await?, tempfile::tempdir()?);
    recap.client.say("home", &[("anna", "one"), ("ben", "two")]).await?;
    let saved = path(&files, "home.jsonl");
    recap.run(&["export", "home", "-o", &saved]).await?.exits(0)?;
    recap.client.say("home", &[("anna", "three")]).await?;
    let report = recap.run(&["import", "--json", &saved]).await?.exits(0)?.json()?;
    ensure!(report["imported"] == 0 && report["already_there"] == 2, "{report}");
    ensure!(recap.client.history("home").await?.len() == 3);
    let missing = recap.run(&["export", "nowhere"]).await?.exits(1)?;
    ensure!(missing.err.contains("conversation_not_found"), "{}", missing.err);
    recap.run(&["export"]).await?.exits(2)?;
    recap.run(&["export", "--all", "home"]).await?.exits(2)?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_conversation_that_went_on_here_is_not_ended_again() -> Result<()> {
    let (recap, files) = (Recap::start().await?, tempfile::tempdir()?);
    let line =
        r#"{"conversation_id":"c","user_id":"u","content":"x","message_id":"1","timestamp":"2024-01-31T12:00:00Z"}"#;
    let saved = super::file(&files, "a.jsonl", format!("{line}\n{{\"conversation_id\":\"c\",\"ended\":true}}\n"))?;
    let ended = async || {
        anyhow::Ok(recap.run(&["import", "--json", &saved]).await?.exits(0)?.json()?["ended_conversations"].clone())
    };
    ensure!(ended().await? == 1);
    recap.client.say("c", &[("u", "still here")]).await?;
    ensure!(ended().await? == 0);
    Ok(())
}
