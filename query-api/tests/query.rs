//! The routes of the query hop over HTTP.

mod stage;

use anyhow::{Context, Result, ensure};
use query_api::QueryConfig;
use serde_json::{Value, json};
use shared::domain::Version;
use shared::ports::SummarizeReply;
use shared_testkit::client::Answer;
use shared_testkit::wait;
use stage::{Stage, seconds};

fn contents(page: &Value) -> Vec<String> {
    let list = page["messages"].as_array().cloned().unwrap_or_default();
    list.iter().map(|message| message["content"].as_str().unwrap_or_default().to_owned()).collect()
}

fn refused(answer: &Answer, status: u16, code: &str) -> Result<()> {
    ensure!(answer.status == status && answer.code()? == code, "not {status} {code} but {answer:?}");
    Ok(())
}

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

#[tokio::test]
async fn a_conversation_may_be_called_summarize() -> Result<()> {
    let stage = Stage::new().await?;
    stage.post("summarize", "u", "odd name", 1000);
    ensure!(contents(&stage.client.get("/chats/summarize").await?.ok()?) == ["odd name"]);
    stage.project("summarize");
    stage.store_summary("summarize");
    ensure!(stage.client.get("/chats/summarize/summary").await?.ok()?["conversation_id"] == "summarize");
    ensure!(stage.client.get("/chats/summarize/summaries").await?.ok()?["total_summaries"] == 1);
    let answer = stage.client.post("/chats/summarize", &json!({"conversation_id": "summarize"})).await?;
    ensure!(answer.ok()?["version"] == 1);
    Ok(())
}

#[tokio::test]
async fn the_stored_summary_answers_if_it_covers_everything() -> Result<()> {
    let stage = Stage::new().await?;
    stage.post("c", "anna", "Ben, can you send the report by Friday?", 1_000);
    stage.post("c", "ben", "Yes, I will send it tomorrow.", 2_000);
    stage.project("c");
    stage.store_summary("c");
    stage.end("c");
    let brief = stage.client.post("/chats/summarize", &json!({"conversation_id": "c"})).await?.ok()?;
    ensure!(
        brief["summary_type"] == "brief" && brief["engine"] == "openai:tests" && brief["degraded"] == false,
        "{brief}"
    );
    ensure!(brief["covers"]["first_seq"] == 1 && brief["covers"]["last_seq"] == 2, "{brief}");
    ensure!(brief["covers"]["messages"] == 2 && brief["covers"]["digest"].as_str().map(str::len) == Some(64));
    let insights = &brief["insights"];
    for list in ["keywords", "action_items", "decisions", "open_questions", "participants", "action_item_details"] {
        ensure!(insights[list].is_array(), "{list}: {brief}");
    }
    ensure!(insights["sentiment"].is_string() && insights["sentiment_score"].is_number(), "{brief}");
    ensure!(insights["participants"][1] == json!({"user_id": "ben", "message_count": 1}), "{brief}");
    ensure!(brief.get("stale_messages").is_none());
    let detailed = json!({"conversation_id": "c", "summary_type": "detailed"});
    ensure!(stage.client.post("/chats/summarize", &detailed).await?.ok()?["summary_type"] == "detailed");
    ensure!(stage.bus.asks.get() == 0, "it was asked for although it was there");
    stage.post("c", "anna", "Thanks!", 3_000);
    let behind = stage.client.get("/chats/c/summary?summary_type=detailed").await?.ok()?;
    ensure!(behind["stale_messages"] == 1 && behind["version"] == 1, "{behind}");
    Ok(())
}

#[tokio::test]
async fn equal_requests_share_one_ask() -> Result<()> {
    let stage = Stage::new().await?;
    stage.post("c", "u", "We ship on Friday.", 1_000);
    let mut asking = tokio::task::JoinSet::new();
    for number in 0..16 {
        let client = stage.client.clone();
        let kind = if number % 2 == 0 { "brief" } else { "detailed" };
        asking.spawn(async move {
            let body = json!({"conversation_id": "c", "summary_type": kind});
            client.post("/chats/summarize", &body).await?.ok()
        });
    }
    let (ask, answer) = wait::until("the ask", || async { Ok(stage.bus.take_asks().pop()) }).await?;
    ensure!(ask.key == stage::key("c") && ask.at_least == stage::seq(1));
    // All requests have read the views before the answer comes: then they wait for it.
    wait::until("all requests", || async { Ok((stage.views.row_reads.get() >= 16).then_some(())) }).await?;
    stage.project("c");
    let version = stage.store_summary("c");
    ensure!(answer.send(SummarizeReply::Stored { version }).is_ok());
    while let Some(body) = asking.join_next().await {
        ensure!(body??["covers"]["last_seq"] == 1);
    }
    ensure!(stage.bus.asks.get() == 1, "{} asks", stage.bus.asks.get());
    Ok(())
}

#[tokio::test]
async fn summaries_of_the_local_engine_are_made_anew_as_long_as_that_brings_better_ones() -> Result<()> {
    let stage = Stage::new().await?;
    let show = async |name: &str| -> Result<()> {
        stage.post(name, "u", "We ship on Friday.", 1_000);
        stage.project(name);
        stage.store_summary_by("local", name);
        let shown = stage.client.get(&format!("/chats/{name}/summary")).await?.ok()?;
        ensure!(shown["engine"] == "local", "nobody waits for a better one: {shown}");
        Ok(())
    };
    let answer = async |name: &str, version: Version| -> Result<()> {
        let asked = wait::until("the ask", || async { Ok(stage.bus.take_asks().pop()) }).await?;
        ensure!(asked.0.key == stage::key(name), "{:?}", asked.0);
        ensure!(asked.1.send(SummarizeReply::Stored { version }).is_ok());
        Ok(())
    };
    for name in ["a", "b", "c", "d"] {
        show(name).await?;
        answer(name, Version(2)).await?;
    }
    for name in ["e", "f", "g"] {
        show(name).await?;
        answer(name, Version(1)).await?;
    }
    for name in ["h", "i", "j"] {
        show(name).await?;
    }
    ensure!(stage.bus.asks.get() == 7, "{} asks of workers that have nothing better", stage.bus.asks.get());
    Ok(())
}

#[tokio::test]
async fn a_summary_that_cannot_be_made_is_said_so() -> Result<()> {
    let config = QueryConfig { summarize_timeout: std::time::Duration::from_millis(50), ..QueryConfig::default() };
    let stage = Stage::with(config).await?;
    stage.post("c", "u", "x", 1_000);
    let body = json!({"conversation_id": "c"});
    refused(&stage.client.post("/chats/summarize", &body).await?, 504, "timeout")?;
    let stage = Stage::new().await?;
    stage.post("c", "u", "x", 1_000);
    for (reply, status, code) in
        [(SummarizeReply::Gone, 404, "conversation_not_found"), (SummarizeReply::Failed, 503, "unavailable")]
    {
        let (client, body) = (stage.client.clone(), body.clone());
        let asking = tokio::spawn(async move { client.post("/chats/summarize", &body).await });
        stage.bus.take_asks();
        let (_, answer) = wait::until("the ask", || async { Ok(stage.bus.take_asks().pop()) }).await?;
        ensure!(answer.send(reply).is_ok());
        refused(&asking.await??, status, code)?;
    }
    for (body, code) in
        [("{", "invalid_json"), ("[]", "invalid_request"), (r#"{"conversation_id":1}"#, "invalid_request")]
    {
        let request = stage.client.request(http::Method::POST, "/chats/summarize");
        let request = request.header("content-type", "application/json").body(body);
        refused(&stage.client.send(request).await?, 400, code)?;
    }
    Ok(())
}

#[tokio::test]
async fn versions_are_listed_newest_first() -> Result<()> {
    let stage = Stage::new().await?;
    for number in 0..3 {
        stage.tell("c", &format!("Point {number} was agreed."));
    }
    let page = stage.client.get("/chats/c/summaries?limit=2").await?.ok()?;
    let versions: Vec<_> = page["summaries"].as_array().context("no list")?.iter().map(|v| &v["version"]).collect();
    ensure!(versions == [3, 2] && page["total_summaries"] == 3 && page["total_pages"] == 2, "{page}");
    let second = stage.client.get("/chats/c/summaries?limit=2&page=2").await?.ok()?;
    let row = &second["summaries"][0];
    ensure!(row["version"] == 1 && row["covers"]["messages"] == 1 && row["trigger"] == "count", "{second}");
    ensure!(row["usage"] == json!({"tokens_in": 0, "tokens_out": 0}), "{second}");
    Ok(())
}

#[tokio::test]
async fn a_users_conversations_are_listed_with_their_own_last_message() -> Result<()> {
    let stage = Stage::new().await?;
    let day = |day: i64| 1_709_251_200_000 + day * 86_400_000;
    for (conversation, at) in [("one", 0), ("two", 4)] {
        stage.post(conversation, "anna", &format!("anna in {conversation}"), day(at));
        stage.post(conversation, "ben", &format!("ben in {conversation}"), day(at) + 1000);
        stage.project(conversation);
    }
    let page = stage.client.get("/users/anna/chats").await?.ok()?;
    ensure!(page["user_id"] == "anna" && page["total_conversations"] == 2 && page["page"] == 1, "{page}");
    ensure!(page["limit"] == 10 && page["total_pages"] == 1, "{page}");
    let expected = json!({
        "conversation_id": "two", "last_message": "anna in two", "timestamp": "2024-03-05T00:00:00Z", "message_count": 1,
        "latest": {"content": "ben in two", "user_id": "ben", "timestamp": "2024-03-05T00:00:01Z"},
    });
    ensure!(page["conversations"][0] == expected, "{page}");
    for (filter, total) in [
        ("start_date=2024-03-02", 1),
        ("end_date=2024-03-01", 1),
        ("start_date=2024-03-02&end_date=2024-03-04", 0),
        ("start_date=2024-03-01T00:00:00%2B00:00&end_date=2024-03-05", 2),
    ] {
        let page = stage.client.get(&format!("/users/anna/chats?{filter}")).await?.ok()?;
        ensure!(page["total_conversations"] == total, "{filter}: {page}");
    }
    stage.log.forget(&stage::key("two"));
    let page = stage.client.get("/users/anna/chats").await?.ok()?;
    ensure!(page["conversations"].as_array().map(Vec::len) == Some(1), "an erased text is shown: {page}");
    let nobody = stage.client.get("/users/nobody/chats").await?.ok()?;
    ensure!(nobody["conversations"] == json!([]) && nobody["total_pages"] == 0, "{nobody}");
    Ok(())
}

#[tokio::test]
async fn conversations_are_listed_for_a_dashboard() -> Result<()> {
    let stage = Stage::new().await?;
    stage.tell("old", "Great work, thank you so much!");
    for user in 0..70 {
        stage.post("new", &format!("user-{user}"), &"long ".repeat(100), 9_000 + user);
    }
    stage.project("new");
    stage.end("new");
    stage.project("new");
    let page = stage.client.get("/chats").await?.ok()?;
    ensure!(page["total_conversations"] == 2 && page["limit"] == 50 && page["page"] == 1, "{page}");
    let (new, old) = (&page["conversations"][0], &page["conversations"][1]);
    ensure!(new["conversation_id"] == "new" && new["participant_count"] == 70 && new["ended"] == "requested", "{new}");
    ensure!(new["participants"].as_array().map(Vec::len) == Some(8) && new["stale_messages"] == 70, "{new}");
    let shown = new["last_message"]["content"].as_str().context("no content")?;
    ensure!(shown.chars().count() == 280 && new["last_message"]["user_id"] == "user-69", "{new}");
    ensure!(old["summary_version"] == 1 && old["stale_messages"] == 0 && old["ended"] == Value::Null, "{old}");
    ensure!(old["first_at"] == "1970-01-01T00:00:01Z" && old["last_at"] == old["first_at"], "{old}");
    ensure!(old["trend"].as_array().is_some_and(|trend| !trend.is_empty()) && old["sentiment"].is_string());
    let found = stage.client.get("/chats?contains=ol").await?.ok()?;
    ensure!(found["total_conversations"] == 1 && found["conversations"][0]["conversation_id"] == "old", "{found}");
    let other = stage.client.request(http::Method::GET, "/chats").header("x-tenant", "other");
    ensure!(stage.client.send(other).await?.ok()?["conversations"] == json!([]));
    Ok(())
}

#[tokio::test]
async fn a_store_that_is_away_is_no_internal_error() -> Result<()> {
    let stage = Stage::new().await?;
    stage.post("c", "u", "x", 1_000);
    stage.views.away.store(true, std::sync::atomic::Ordering::SeqCst);
    refused(&stage.client.get("/chats").await?, 504, "timeout")?;
    ensure!(stage.client.get("/chats/c").await?.status == 200, "history needs no views");
    stage.tasks.stop();
    stage.tasks.shutdown(seconds(5)).await?;
    Ok(())
}

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
