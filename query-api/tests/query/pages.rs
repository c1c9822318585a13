//! Pages of a conversation, cursors, and what is refused.

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::stage::Stage;
use crate::{contents, refused};

#[tokio::test]
async fn a_page_has_the_fields_of_the_reference_first() -> Result<()> {
    let stage = Stage::new().await?;
    stage.post("c", "user_1", "Hello there!", 1_672_574_400_000);
    stage.post("c", "user_2", "with meta", 1_672_574_401_500);
    stage.end("c");
    let answer = stage.client.get("/chats/c").await?;
    let expected = concat!(
        r#"{"conversation_id":"c","messages":["#,
        r#"{"content":"Hello there!","timestamp":"2023-01-01T12:00:00Z","user_id":"user_1","seq":1},"#,
        r#"{"content":"with meta","timestamp":"2023-01-01T12:00:01.5Z","user_id":"user_2","seq":2,"#,
        r#""metadata":{"a": [1, 2.50]}}],"#,
        r#""page":1,"total_pages":1,"limit":50,"total_messages":2,"next_cursor":null}"#,
    );
    ensure!(answer.text == expected, "{}", answer.text);
    ensure!(answer.header("content-type") == "application/json");
    Ok(())
}

#[tokio::test]
async fn pages_and_cursors_give_every_message_once() -> Result<()> {
    let stage = Stage::new().await?;
    for number in 0..23 {
        stage.post("c", "u", &number.to_string(), 1000 + number * 7 % 10);
    }
    let whole = contents(&stage.client.get("/chats/c?limit=500").await?.ok()?);
    for order in ["asc", "desc"] {
        let mut expected = whole.clone();
        if order == "desc" {
            expected.reverse();
        }
        let mut by_page = Vec::new();
        for page in 1..=5 {
            let page = stage.client.get(&format!("/chats/c?limit=5&order={order}&page={page}")).await?.ok()?;
            ensure!(page["total_pages"] == 5 && page["total_messages"] == 23, "{page}");
            by_page.extend(contents(&page));
        }
        ensure!(by_page == expected, "{by_page:?}");
        let mut page = stage.client.get(&format!("/chats/c?limit=4&order={order}")).await?.ok()?;
        let mut by_cursor = contents(&page);
        while let Some(cursor) = page["next_cursor"].as_str() {
            page = stage.client.get(&format!("/chats/c?limit=3&cursor={cursor}")).await?.ok()?;
            ensure!(page.get("page").is_none(), "{page}");
            by_cursor.extend(contents(&page));
        }
        ensure!(by_cursor == expected, "{by_cursor:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_cursor_keeps_what_it_was_made_for() -> Result<()> {
    let stage = Stage::new().await?;
    for conversation in ["c", "d"] {
        for number in 0..9 {
            stage.post(conversation, "u", &number.to_string(), 1000 + number);
        }
    }
    let first = "/chats/c?limit=2&order=desc&since=1970-01-01T00:00:01.002Z&until=1970-01-01T00:00:01.006Z";
    let page = stage.client.get(first).await?.ok()?;
    ensure!(contents(&page) == ["6", "5"] && page["total_messages"] == 5, "{page}");
    let cursor = page["next_cursor"].as_str().context("no cursor")?;
    for same in ["", "&order=desc", "&since=1970-01-01T00:00:01.002Z"] {
        let next = stage.client.get(&format!("/chats/c?limit=2&cursor={cursor}{same}")).await?.ok()?;
        ensure!(contents(&next) == ["4", "3"], "{same}: {next}");
    }
    for other in ["&order=asc", "&since=1970-01-01T00:00:01.003Z", "&until=1970-01-02"] {
        let answer = stage.client.get(&format!("/chats/c?cursor={cursor}{other}")).await?;
        refused(&answer, 400, "invalid_cursor")?;
    }
    refused(&stage.client.get(&format!("/chats/d?cursor={cursor}")).await?, 400, "invalid_cursor")?;
    let foreign = stage.client.request(http::Method::GET, &format!("/chats/c?cursor={cursor}"));
    refused(&stage.client.send(foreign.header("x-tenant", "other")).await?, 400, "invalid_cursor")?;
    refused(&stage.client.get(&format!("/chats/c?page=1&cursor={cursor}")).await?, 400, "invalid_request")?;
    Ok(())
}

#[tokio::test]
async fn wrong_parameters_are_named() -> Result<()> {
    let stage = Stage::new().await?;
    stage.post("c", "u", "x", 1000);
    for (path, field) in [
        ("/chats/c?page=0", "page"),
        ("/chats/c?page=-1", "page"),
        ("/chats/c?page=18446744073709551616", "page"),
        ("/chats/c?limit=501", "limit"),
        ("/chats/c?limit=1e9", "limit"),
        ("/chats/c?order=up", "order"),
        ("/chats/c?since=2023-02-30", "since"),
        ("/chats/c?since=2023-02-02&until=2023-02-01", "since"),
        ("/chats/c?offset=3", "offset"),
        ("/chats/c?page=1&page=1", "page"),
        ("/chats?limit=101", "limit"),
        ("/chats/c/summaries?limit=101", "limit"),
        ("/chats/c/summary?summary_type=long", "summary_type"),
        ("/users/u/chats?limit=101", "limit"),
        ("/users/u/chats?start_date=2023-02-02&end_date=2023-02-01", "start_date"),
        ("/users/u/chats?end_date=later", "end_date"),
        ("/chats/%00", "conversation_id"),
    ] {
        let answer = stage.client.get(path).await?;
        refused(&answer, 400, "invalid_request")?;
        ensure!(answer.json()?["detail"]["fields"][0]["path"] == field, "{path}: {}", answer.text);
    }
    let several = stage.client.get("/chats/c?page=0&limit=0&order=x").await?.json()?;
    ensure!(several["detail"]["fields"].as_array().map(Vec::len) == Some(3), "{several}");
    for path in ["/chats/c?cursor=made-by-hand", "/chats/c?cursor=", "/chats/c?cursor=%F0%9F%A6%80"] {
        refused(&stage.client.get(path).await?, 400, "invalid_cursor")?;
    }
    for page in ["7", "1000000000000", "18446744073709551615"] {
        let beyond = stage.client.get(&format!("/chats/c?page={page}&limit=500")).await?.ok()?;
        ensure!(beyond["messages"] == json!([]) && beyond["total_messages"] == 1, "{beyond}");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_not_there_is_told_apart() -> Result<()> {
    let stage = Stage::new().await?;
    for path in ["/chats/no", "/chats/no/summary", "/chats/no/summaries"] {
        refused(&stage.client.get(path).await?, 404, "conversation_not_found")?;
    }
    let ask = json!({"conversation_id": "no"});
    refused(&stage.client.post("/chats/summarize", &ask).await?, 404, "conversation_not_found")?;
    stage.post("c", "u", "x", 1000);
    refused(&stage.client.get("/chats/c/summary").await?, 404, "summary_not_found")?;
    ensure!(stage.client.get("/chats/c/summaries").await?.ok()?["summaries"] == json!([]));
    stage.end("empty");
    let ask = json!({"conversation_id": "empty"});
    refused(&stage.client.post("/chats/summarize", &ask).await?, 404, "summary_not_found")?;
    let other = stage.client.request(http::Method::GET, "/chats/c").header("x-tenant", "other");
    refused(&stage.client.send(other).await?, 404, "conversation_not_found")?;
    Ok(())
}
