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

/// A page around a message holds it wherever late ones stand, says what precedes, and leads on both ways.
pub async fn pages_around_a_message(client: &Client) -> Result<()> {
    let conversation = "query-around";
    // Many share a second, every seventh is late, and an end lies between.
    for part in 0..3u64 {
        let messages: Vec<_> = (0..40u64)
            .map(|number| {
                let number = part * 40 + number;
                let second = if number % 7 == 3 { number / 5 } else { number / 3 };
                let at = format!("2024-05-01T10:{:02}:{:02}Z", second / 60, second % 60);
                json!({"content": number.to_string(), "timestamp": at})
            })
            .collect();
        client
            .post("/chats", &json!({"conversation_id": conversation, "user_id": "u", "messages": messages}))
            .await?
            .ok()?;
        if part == 1 {
            client.post(&format!("/chats/{conversation}/end"), &json!({})).await?.ok()?;
        }
    }
    let seqs = |page: &serde_json::Value| -> Vec<u64> {
        let list = page["messages"].as_array().cloned().unwrap_or_default();
        list.iter().filter_map(|message| message["seq"].as_u64()).collect()
    };
    let mut all = seqs(&client.get(&format!("/chats/{conversation}?limit=500")).await?.ok()?);
    ensure!(all.len() == 120 && !all.contains(&81), "{all:?}");
    for order in ["asc", "desc"] {
        for (place, seq) in all.iter().enumerate() {
            let limit = 1 + place % 12;
            let path = format!("/chats/{conversation}?around_seq={seq}&limit={limit}&order={order}");
            let page = client.get(&path).await?.ok()?;
            let first = usize::try_from(page["preceding_messages"].as_u64().context("no place")?)?;
            let found = seqs(&page);
            ensure!(found.contains(seq) && found.len() <= limit, "{path}: {page}");
            ensure!(found == all[first..first + found.len()], "{path}: {page}");
            let edges = (page["previous_cursor"].is_null(), page["next_cursor"].is_null());
            ensure!(edges == (first == 0, first + found.len() == 120), "{path}: {page}");
            if let Some(cursor) = page["previous_cursor"].as_str() {
                let before = client.get(&format!("/chats/{conversation}?limit=1&cursor={cursor}")).await?.ok()?;
                ensure!(seqs(&before) == [all[first - 1]], "{path}: {before}");
            }
            if let Some(cursor) = page["next_cursor"].as_str() {
                let after = client.get(&format!("/chats/{conversation}?limit=1&cursor={cursor}")).await?.ok()?;
                ensure!(seqs(&after) == [all[first + found.len()]], "{path}: {after}");
            }
        }
        all.reverse();
    }
    for (path, code) in [
        ("query-around?around_seq=81", "not_found"),
        ("query-around?around_seq=9999", "not_found"),
        ("query-nowhere?around_seq=1", "conversation_not_found"),
        ("query-around?around_seq=0", "invalid_request"),
        ("query-around?around_seq=1&page=2", "invalid_request"),
        ("query-around?around_seq=1&since=2024-05-01", "invalid_request"),
    ] {
        let refused = client.get(&format!("/chats/{path}")).await?;
        ensure!(refused.code()? == code, "{path}: {refused:?}");
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
