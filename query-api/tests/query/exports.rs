//! All that a user wrote.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::refused;
use crate::stage::Stage;

#[tokio::test]
async fn an_export_holds_all_that_a_user_wrote_and_nothing_else() -> Result<()> {
    let stage = Stage::new().await?;
    // More records than one part, most of them of somebody else.
    for number in 0..700 {
        stage.post("long", if number % 50 == 7 { "anna" } else { "ben" }, &number.to_string(), 1_000);
    }
    stage.post("a \"name\"", "anna", "with meta\nand a break", 1_672_574_400_250);
    stage.post("of ben", "ben", "nothing", 1_000);
    for conversation in ["long", "a \"name\"", "of ben"] {
        stage.project(conversation);
    }
    let export = stage.client.get("/users/anna/export").await?;
    ensure!(export.status == 200 && export.header("content-type") == "application/x-ndjson", "{export:?}");
    let lines: Vec<&str> = export.text.lines().collect();
    let first = concat!(
        r#"{"conversation_id":"a \"name\"","user_id":"anna","timestamp":"2023-01-01T12:00:00.25Z","#,
        r#""message_id":"seq:1","content":"with meta\nand a break","metadata":{"a": [1, 2.50]}}"#,
    );
    ensure!(lines.len() == 15 && lines[0] == first, "{lines:?}");
    for (line, number) in lines[1..].iter().zip((7..).step_by(50)) {
        let line: Value = serde_json::from_str(line)?;
        ensure!(
            line["content"].as_str() == Some(number.to_string().as_str()) && line["conversation_id"] == "long",
            "{line}"
        );
    }
    refused(&stage.client.get("/users/nobody/export").await?, 404, "not_found")?;
    let foreign = stage.client.request(http::Method::GET, "/users/anna/export").header("x-tenant", "other");
    refused(&stage.client.send(foreign).await?, 404, "not_found")?;
    refused(&stage.client.get("/users/anna/erasure").await?, 404, "not_found")
}

/// Nobody takes a part of an export for all of it.
#[tokio::test]
async fn an_export_that_fails_on_the_way_breaks_off() -> Result<()> {
    let stage = Stage::new().await?;
    let text = "x".repeat(30_000);
    // More than fits between server and client, in more conversations than are asked for at once.
    for number in 100..210 {
        let conversation = number.to_string();
        for _ in 0..5 {
            stage.post(&conversation, "anna", &text, 1_000);
        }
        stage.project(&conversation);
    }
    let mut export = stage.client.request(http::Method::GET, "/users/anna/export").send().await?;
    ensure!(export.status() == 200);
    export.chunk().await?.context("nothing came")?;
    stage.views.away.store(true, std::sync::atomic::Ordering::SeqCst);
    let broken = loop {
        match export.chunk().await {
            Ok(Some(_)) => {}
            Ok(None) => break false,
            Err(_) => break true,
        }
    };
    ensure!(broken, "it looks whole");
    stage.views.away.store(false, std::sync::atomic::Ordering::SeqCst);
    ensure!(stage.client.get("/users/anna/export").await?.text.lines().count() == 550);
    Ok(())
}
