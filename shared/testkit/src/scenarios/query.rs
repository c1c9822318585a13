//! Reading: pages, cursors, users and lists.

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::client::Client;
use crate::wait;

/// Late messages take their place in time; ties keep the order of arrival.
pub async fn shows_time_order(client: &Client) -> Result<()> {
    let at = |content: &str, time: &str| json!({"content": content, "timestamp": time});
    let body = json!({"conversation_id": "query-order", "user_id": "u", "messages": [
        at("c", "2023-01-01T10:00:03Z"), at("a", "2023-01-01T10:00:01Z"), at("c2", "2023-01-01T12:00:03+02:00"),
        at("b", "2023-01-01 10:00:02"), at("a2", "2023-01-01T10:00:01.000Z"),
    ]});
    client.post("/chats", &body).await?.ok()?;
    let contents = |list: &serde_json::Value| -> Vec<String> {
        let list = list["messages"].as_array().cloned().unwrap_or_default();
        list.iter().filter_map(|m| m["content"].as_str().map(str::to_owned)).collect()
    };
    let all = client.get("/chats/query-order").await?.ok()?;
    ensure!(contents(&all) == ["a", "a2", "b", "c", "c2"], "{all}");
    let newest = client.get("/chats/query-order?order=desc&limit=2").await?.ok()?;
    ensure!(contents(&newest) == ["c2", "c"] && newest["total_pages"] == 3, "{newest}");
    let cursor = newest["next_cursor"].as_str().context("no cursor")?;
    let next = client.get(&format!("/chats/query-order?order=desc&limit=2&cursor={cursor}")).await?.ok()?;
    ensure!(contents(&next) == ["b", "a2"], "{next}");
    let range = "since=2023-01-01T10:00:01.500Z&until=2023-01-01T10:00:03Z";
    let middle = client.get(&format!("/chats/query-order?{range}")).await?.ok()?;
    ensure!(contents(&middle) == ["b", "c", "c2"] && middle["total_messages"] == 3, "{middle}");
    Ok(())
}

/// Pages beyond the end are empty, and cursors belong to their conversation.
pub async fn pages_and_cursors_have_ends(client: &Client) -> Result<()> {
    client.say("query-ends", &[("u", "1"), ("u", "2"), ("u", "3")]).await?;
    for page in ["2", "1000000000000", "18446744073709551615"] {
        let beyond = client.get(&format!("/chats/query-ends?page={page}")).await?.ok()?;
        ensure!(beyond["messages"] == json!([]) && beyond["total_messages"] == 3, "{beyond}");
    }
    let page = client.get("/chats/query-ends?limit=1").await?.ok()?;
    let cursor = page["next_cursor"].as_str().context("no cursor")?;
    client.say("query-ends-2", &[("u", "1"), ("u", "2")]).await?;
    for (path, cursor) in [("query-ends-2", cursor), ("query-ends", "AAAA"), ("query-ends", "%F0%9F")] {
        let refused = client.get(&format!("/chats/{path}?limit=1&cursor={cursor}")).await?;
        ensure!(refused.status == 400, "{refused:?}");
    }
    Ok(())
}

/// A user's conversations, latest post first, filtered by when the user was active.
pub async fn lists_a_users_conversations(client: &Client) -> Result<()> {
    for (conversation, day) in [("query-user-1", "2024-03-01"), ("query-user-2", "2024-03-05")] {
        let message = |user: &str, hour: &str| json!({"user_id": user, "content": format!("{user} on {day}"), "timestamp": format!("{day}T{hour}:00:00Z")});
        let messages = [message("query-anna", "09"), message("query-ben", "10")];
        let body = json!({"conversation_id": conversation, "user_id": "x", "messages": messages});
        client.post("/chats", &body).await?.ok()?;
    }
    let rows = wait::until("both conversations in the history", || async {
        let page = client.get("/users/query-anna/chats").await?.ok()?;
        Ok((page["total_conversations"] == 2).then_some(page))
    })
    .await?;
    ensure!(rows["user_id"] == "query-anna" && rows["page"] == 1, "{rows}");
    let latest = &rows["conversations"][0];
    ensure!(latest["conversation_id"] == "query-user-2" && latest["timestamp"] == "2024-03-05T09:00:00Z", "{rows}");
    ensure!(latest["last_message"] == "query-anna on 2024-03-05" && latest["message_count"] == 1, "{rows}");
    ensure!(latest["latest"]["user_id"] == "query-ben", "{rows}");
    for (filter, total) in [
        ("start_date=2024-03-02", 1),
        ("end_date=2024-03-01", 1),
        ("start_date=2024-03-01&end_date=2024-03-05", 2),
        ("start_date=2024-03-02&end_date=2024-03-04", 0),
        ("end_date=2024-03-01T08:59:59Z", 0),
    ] {
        let page = client.get(&format!("/users/query-anna/chats?{filter}")).await?.ok()?;
        ensure!(page["total_conversations"] == total, "{filter}: {page}");
    }
    let unknown = client.get("/users/query-nobody/chats").await?.ok()?;
    ensure!(unknown["conversations"] == json!([]) && unknown["total_conversations"] == 0, "{unknown}");
    Ok(())
}

/// The list of conversations that a dashboard shows.
pub async fn lists_conversations(client: &Client) -> Result<()> {
    client.say("query-listed", &[("u", "Good news: it works great!")]).await?;
    let row = wait::until("the conversation in the list", || async {
        let page = client.get("/chats?limit=100").await?.ok()?;
        let rows = page["conversations"].as_array().cloned().context("no conversations")?;
        Ok(rows.into_iter().find(|row| row["conversation_id"] == "query-listed"))
    })
    .await?;
    ensure!(row["message_count"] == 1 && row["participant_count"] == 1, "{row}");
    ensure!(row["last_message"]["content"] == "Good news: it works great!", "{row}");
    Ok(())
}
