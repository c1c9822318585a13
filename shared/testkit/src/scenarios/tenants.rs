//! Two tenants that name everything alike, and never meet.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::wait;

async fn post(client: &Client, text: &str) -> Result<Answer> {
    let body = json!({
        "conversation_id": "twin", "user_id": "anna",
        "messages": [{ "content": text, "message_id": "m-1" }],
    });
    let request = client.request(reqwest::Method::POST, "/chats").header("idempotency-key", "first").json(&body);
    client.send(request).await
}

/// Equal conversation, user, message id and idempotency key, at the same time, with other texts.
pub async fn never_meet(one: &Client, other: &Client) -> Result<()> {
    let (mine, theirs) = ("We ship the lighthouse on Friday.", "We paint the submarine on Monday.");
    let posted = tokio::try_join!(post(one, mine), post(other, theirs))?;
    for answer in [&posted.0, &posted.1] {
        ensure!(answer.status == 200 && answer.header("idempotency-replayed").is_empty(), "{answer:?}");
    }
    ensure!(post(one, mine).await?.header("idempotency-replayed") == "true");
    ensure!(post(one, theirs).await?.code()? == "idempotency_mismatch");
    for (client, own) in [(one, mine), (other, theirs)] {
        let history = client.history("twin").await?;
        ensure!(history.len() == 1 && history[0]["content"] == own, "{history:?}");
    }

    // The same ask at the same time: neither waits for the other's answer, its cache or its lease.
    let ask = json!({ "conversation_id": "twin", "summary_type": "detailed" });
    for _ in 0..3 {
        let asked = [one, other, one, other].map(|client| client.post("/chats/summarize", &ask));
        for (at, answer) in futures_util::future::try_join_all(asked).await?.into_iter().enumerate() {
            let own = if at % 2 == 0 { "lighthouse" } else { "submarine" };
            let foreign = if at % 2 == 0 { "submarine" } else { "lighthouse" };
            let summary = answer.ok()?;
            ensure!(summary.to_string().contains(own) && !summary.to_string().contains(foreign), "{summary}");
        }
    }
    for (client, own) in [(one, mine), (other, theirs)] {
        ensure!(client.settled_summary("twin").await?["covers"]["messages"] == 1);
        let rows = wait::until("the user's row", || async {
            let page = client.get("/users/anna/chats").await?.ok()?;
            Ok(page["conversations"].as_array().and_then(|rows| rows.iter().find(|row| is_twin(row)).cloned()))
        });
        ensure!(rows.await?["last_message"] == own);
    }

    // Erasing one leaves the other, its summary and its list alone.
    ensure!(one.delete("/chats/twin").await?.status == 204);
    ensure!(one.get("/chats/twin/summary").await?.code()? == "conversation_not_found");
    ensure!(other.history("twin").await?.len() == 1);
    ensure!(other.get("/chats/twin/summary").await?.ok()?["covers"]["messages"] == 1);
    let listed = other.get("/chats?contains=twin").await?.ok()?;
    ensure!(listed["conversations"].as_array().is_some_and(|rows| rows.iter().any(is_twin)), "{listed}");
    Ok(())
}

fn is_twin(row: &Value) -> bool {
    row["conversation_id"] == "twin"
}
