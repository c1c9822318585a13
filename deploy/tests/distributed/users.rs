//! Users exported and erased in the distributed mode: through the gateway, with every file searched, and with services
//! killed in the middle.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use deploy::stack::{Plan, Stack, rounds};
use serde_json::{Value, json};
use shared_testkit::bytes::files_with;
use shared_testkit::client::Client;
use shared_testkit::scenarios::users::{self, LEAVER, WORD};
use shared_testkit::wait;
use tokio::task::JoinSet;

use crate::stack;

pub(crate) async fn admin(stack: &Stack) -> Result<Client> {
    let args = ["keys", "create", "--tenant", "public", "--scopes", "write,read,admin", "--rate", "0"];
    Ok(stack.client.with_key(stack.recap(&args).await?.trim()))
}

/// With the words that operators are given: `compact` for the database, nothing for the stream and the cache.
#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_exported_and_erased_and_no_byte_is_left() -> Result<()> {
    let mut stack = stack!(Plan { redis: true, ..Plan::of(2, 2, 2).with("SUMMARIZE_TIMEOUT", "55s") });
    let admin = admin(&stack).await?;
    stack.client.say("kept", &[("ben", "archaeopteryx")]).await?;
    users::exported_and_erased(&stack.client, &admin).await.with_context(|| stack.logs())?;
    let told = stack.recap(&["audit", "--json", "--tenant", "public", "--user", LEAVER]).await?;
    let mut entries = BTreeSet::new();
    for line in told.lines() {
        let entry: Value = serde_json::from_str(line)?;
        // A worker that takes too long for another one may say the same a second time.
        entries.insert((entry["act"].to_string(), entry["outcome"].to_string()));
    }
    ensure!(entries.len() == 8 && !told.contains(LEAVER), "{told}");
    let redis = stack.redis.take().context("no Redis")?;
    redis.dump().await?;
    for replica in stack.replicas() {
        replica.stop().await?;
    }
    for collection in stack.mongo.collections("recap").await? {
        let documents = stack.mongo.dump("recap", &collection).await?;
        ensure!(!documents.contains(WORD), "{collection}: {documents}");
    }
    stack.recap(&["check"]).await?;
    stack.mongo.compact("recap").await?;
    stack.mongo.stop().await?;
    stack.nats.kill().await?;
    for folder in [stack.mongo.files(), stack.nats.files(), redis.files()] {
        let found = files_with(folder, WORD)?;
        // MongoDB compresses its files: there the documents above tell.
        ensure!(found.is_empty(), "{found:?}");
    }
    ensure!(!files_with(redis.files(), "REDIS")?.is_empty(), "there was no dump");
    let kept = files_with(stack.mongo.files(), "archaeopteryx")?;
    ensure!(stack.mongo.is_real() || !kept.is_empty(), "what was not erased is not found either");
    Ok(())
}

/// Messages of the leaver between those of another.
async fn fill(client: &Client, round: u32, talk: u32) -> Result<()> {
    let message = |number: u32| {
        let (user, word) = if number.is_multiple_of(2) { (LEAVER, WORD) } else { ("ben", "kept") };
        json!({"user_id": user, "content": format!("{word} {round} {number}: we decided to ship on Friday")})
    };
    let messages: Vec<_> = (0..20).map(message).collect();
    let body = json!({"conversation_id": format!("cut-{talk}"), "user_id": "u", "messages": messages});
    client.post("/chats", &body).await?.ok().map(drop)
}

/// Erases every message of ben's that stands before `until`, each until it is answered.
async fn erase_messages(client: Client, talk: String, seqs: Vec<u64>) -> Result<()> {
    for seq in seqs {
        let path = format!("/chats/{talk}/messages/{seq}");
        wait::until("the message to be erased", || async {
            let answer = client.delete(&path).await;
            Ok(answer.ok().filter(|answer| answer.status == 204).map(drop))
        })
        .await?;
    }
    Ok(())
}

/// Whoever erases messages and users is killed in the middle: each is finished, and nothing else goes.
#[tokio::test(flavor = "multi_thread")]
async fn erasures_that_are_killed_in_the_middle_are_finished() -> Result<()> {
    const TALKS: u32 = 3;
    let mut stack = stack!(Plan::of(2, 2, 1));
    let admin = admin(&stack).await?;
    let rounds = rounds(3)?;
    for round in 0..rounds {
        for talk in 0..TALKS {
            fill(&stack.client, round, talk).await?;
        }
        let mut erasing = JoinSet::new();
        for talk in 0..TALKS {
            let name = format!("cut-{talk}");
            let history = stack.client.history(&name).await?;
            // The first of ben's messages of each round.
            let recent = &history[history.len().saturating_sub(20)..];
            let first = recent.iter().find(|message| message["user_id"] == "ben");
            let seq = first.and_then(|message| message["seq"].as_u64()).context("nothing of ben's")?;
            erasing.spawn(erase_messages(stack.client.clone(), name, vec![seq]));
        }
        let demanded = admin.delete(&format!("/users/{LEAVER}")).await?;
        ensure!(demanded.status == 202, "{demanded:?}");
        let killed = round as usize % 2;
        stack.ingest[killed].restart().await?;
        if round.is_multiple_of(2) {
            wait::until("something to go", || async {
                let history = stack.client.history("cut-0").await?;
                let left = history.iter().filter(|message| message["user_id"] == LEAVER).count();
                Ok((left < 10).then_some(()))
            })
            .await?;
        }
        for worker in &mut stack.workers {
            worker.restart().await?;
        }
        while let Some(done) = erasing.join_next().await {
            done??;
        }
        let done = users::erased(&admin, LEAVER, &demanded.json()?["asked_at"]).await;
        done.with_context(|| stack.logs())?;
    }
    for talk in 0..TALKS {
        let name = format!("cut-{talk}");
        let history = stack.client.history(&name).await?;
        ensure!(history.iter().all(|message| message["user_id"] == "ben"), "{history:?}");
        ensure!(history.len() == 9 * rounds as usize, "{name}: {} of another", history.len());
        let summary = stack.client.settled_summary(&name).await.with_context(|| stack.logs())?;
        ensure!(summary["covers"]["messages"] == history.len() && !summary.to_string().contains(WORD), "{summary}");
    }
    let history = stack.client.get(&format!("/users/{LEAVER}/chats")).await?.ok()?;
    ensure!(history["total_conversations"] == 0, "{history}");
    for replica in stack.replicas() {
        replica.stop().await?;
    }
    stack.recap(&["check"]).await.map(drop)
}
