//! Users exported and erased, the record of it, and `kill -9` in the middle.
//!
//! `ERASURE_ROUNDS` sets how often the server is killed (4 by default).

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use shared_testkit::bytes::files_with;
use shared_testkit::client::Client;
use shared_testkit::process::Launch;
use shared_testkit::scenarios::users::{self, LEAVER, WORD};
use shared_testkit::{scenarios, wait};

use crate::erasure::gone;
use crate::keys::keys;
use crate::{RECAP, Recap, check};

pub(crate) async fn admin(recap: &Recap) -> Result<Client> {
    let args = ["create", "--tenant", "public", "--scopes", "write,read,admin", "--rate", "0"];
    Ok(recap.client.with_key(keys(recap, &args).await?.trim()))
}

/// The audit record of a folder, which a server may be using.
async fn audit(data: &Path, args: &[&str]) -> Result<Vec<Value>> {
    let mut launch = Launch::recap(RECAP, data).arg("audit").arg("--json");
    for arg in args {
        launch = launch.arg(*arg);
    }
    let output = launch.output().await?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout)?;
    text.lines().map(|line| serde_json::from_str(line).with_context(|| line.to_owned())).collect()
}

fn told(entries: &[Value]) -> Vec<(&str, &str)> {
    entries.iter().filter_map(|entry| Some((entry["what"].as_str()?, entry["outcome"].as_str()?))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_exported_and_erased_and_no_byte_is_left() -> Result<()> {
    let recap = Recap::start().await?;
    let (admin, folder) = (admin(&recap).await?, recap.data.path());
    users::exported_and_erased(&recap.client, &admin).await?;
    gone(folder, WORD).await?;
    let of_user = audit(folder, &["--tenant", "public", "--user", LEAVER]).await?;
    let twice = |what| [(what, "asked"), (what, "done")];
    let expected = [twice("export_user"), twice("export_user"), twice("erase_user"), twice("erase_user")].concat();
    ensure!(told(&of_user) == expected, "{of_user:#?}");
    let prefix = of_user[0]["key"].as_str().context("no key")?;
    ensure!(prefix.starts_with("rk_") && prefix.len() == 11, "{prefix}");
    ensure!(of_user[0]["act"] == of_user[1]["act"] && of_user[0]["act"] != of_user[2]["act"]);
    recap.server.stop().await?;
    ensure!(files_with(folder, WORD)?.is_empty(), "it came back: {:?}", files_with(folder, WORD));
    check(folder).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_something_away_is_on_record_with_who_did_it() -> Result<()> {
    let recap = Recap::start().await?;
    let (client, folder) = (&recap.client, recap.data.path());
    client.say("kept", &[("anna", "one secret"), ("ben", "two")]).await?;
    client.say("gone", &[("anna", "three")]).await?;
    client.patch("/chats/kept/messages/2", &json!({"content": "two"})).await?.ok()?;
    client.patch("/chats/kept/messages/2", &json!({"content": "better"})).await?.ok()?;
    for _ in 0..2 {
        ensure!(client.delete("/chats/kept/messages/1").await?.status == 204);
    }
    ensure!(client.delete("/chats/gone").await?.status == 204);
    for nothing in ["/chats/gone", "/chats/kept/messages/99", "/chats/nowhere/messages/1"] {
        ensure!(client.delete(nothing).await?.status == 404);
    }
    ensure!(client.delete("/users/anna").await?.code()? == "forbidden");
    let made = keys(&recap, &["create", "--tenant", "acme", "--scopes", "read"]).await?;
    keys(&recap, &["revoke", &made[..11]]).await?;
    let entries = audit(folder, &[]).await?;
    let twice = |what| [(what, "asked"), (what, "done")];
    // The first one is of the link that opens the dashboard.
    let acts = ["create_key", "edit_message", "erase_message", "erase_conversation", "create_key", "revoke_key"];
    ensure!(told(&entries) == acts.map(twice).concat(), "{entries:#?}");
    ensure!(entries[2]["conversation_id"] == "kept" && entries[2]["seq"] == 2 && entries[2]["by"] == "anonymous");
    ensure!(entries[8]["by"] == "operator" && entries[8]["tenant"] == "acme" && entries[8]["prefix"] == made[..11]);
    let all = format!("{entries:?}");
    ensure!(!all.contains("secret") && !all.contains("better") && !all.contains("anna"), "{all}");
    ensure!(audit(folder, &["--tenant", "acme"]).await?.len() == 4);
    ensure!(audit(folder, &["--tenant", "acme", "--user", "anna"]).await?.is_empty());
    let listed = Launch::recap(RECAP, folder).arg("audit").output().await?;
    let listed = String::from_utf8(listed.stdout)?;
    ensure!(listed.lines().count() == entries.len() && listed.contains("erase message 1 of kept"), "{listed}");
    Ok(())
}

/// An export of one user is what the export of all conversations says of that user, and can be imported.
#[tokio::test(flavor = "multi_thread")]
async fn an_export_of_a_user_can_be_imported() -> Result<()> {
    let recap = Recap::start().await?;
    let admin = admin(&recap).await?;
    let odd = json!({"conversation_id": "odd / name", "user_id": "anna", "messages": [
        {"content": "line one\nline \"two\"", "timestamp": "2026-03-02T09:00:00.250Z", "message_id": "m \" 1"},
        {"content": "🦀", "metadata": {"a": [1, 2.50], "b": {"c": null}}},
        {"content": "of another", "user_id": "ben"}]});
    admin.post("/chats", &odd).await?.ok()?;
    admin.say("plain", &[("ben", "hello"), ("anna", "hello ben")]).await?;
    wait::until("the user's history", || async {
        let page = admin.get("/users/anna/chats").await?.ok()?;
        Ok((page["total_conversations"] == 2).then_some(()))
    })
    .await?;
    let lines = admin.get("/users/anna/export").await?.text;
    let origin = format!("http://{}", recap.server.address());
    let whole = Launch::recap(RECAP, recap.data.path()).env("RECAP_URL", &origin).arg("export").arg("--all");
    let whole = String::from_utf8(whole.output().await?.stdout)?;
    let of_anna: Vec<_> = whole.lines().filter(|line| line.contains("\"user_id\":\"anna\"")).collect();
    ensure!(lines.lines().eq(of_anna.iter().copied()), "{lines}\nbut {of_anna:?}");

    let other = Recap::start().await?;
    let file = other.data.path().join("anna.jsonl");
    std::fs::write(&file, &lines)?;
    let origin = format!("http://{}", other.server.address());
    let import = Launch::recap(RECAP, other.data.path()).env("RECAP_URL", &origin).arg("import");
    let import = import.arg(file.display().to_string()).output().await?;
    ensure!(import.status.success(), "{}", String::from_utf8_lossy(&import.stderr));
    let admin = self::admin(&other).await?;
    wait::until("the same export", || async {
        Ok((admin.get("/users/anna/export").await?.text == lines).then_some(()))
    })
    .await
}

const TALKS: usize = 5;

/// Fills conversations with messages of the leaver between those of another.
async fn fill(client: &Client, round: usize) -> Result<()> {
    for talk in 0..TALKS {
        let message = |number: usize| {
            let leaver = !number.is_multiple_of(3);
            let (user, word) = if leaver { (LEAVER, WORD) } else { ("ben", "kept") };
            json!({"user_id": user, "content": format!("{word} {round} {number}: we decided to ship on Friday")})
        };
        let messages: Vec<_> = (0..120).map(message).collect();
        let body = json!({"conversation_id": format!("killed-{talk}"), "user_id": "u", "messages": messages});
        client.post("/chats", &body).await?.ok()?;
    }
    Ok(())
}

async fn left(client: &Client) -> Result<usize> {
    let mut left = 0;
    for talk in 0..TALKS {
        let history = client.history(&format!("killed-{talk}")).await?;
        left += history.iter().filter(|message| message["user_id"] == LEAVER).count();
    }
    Ok(left)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_that_is_killed_again_and_again_is_finished() -> Result<()> {
    let rounds = match std::env::var("ERASURE_ROUNDS") {
        Ok(text) => text.parse().context("ERASURE_ROUNDS is a number")?,
        Err(_) => 4,
    };
    let data = tempfile::tempdir()?;
    let launch = scenarios::settings(Launch::recap(RECAP, data.path())).env("RECONCILE_INTERVAL", "20ms");
    let create = ["keys", "create", "--tenant", "public", "--scopes", "write,read,admin", "--rate", "0"];
    let made = create.into_iter().fold(Launch::recap(RECAP, data.path()), Launch::arg).output().await?;
    let key = String::from_utf8(made.stdout)?.trim().to_owned();
    let mut cut = 0;
    for round in 0..rounds {
        let server = launch.start().await?;
        let client = Client::new(server.address())?.with_key(&key);
        fill(&client, round).await?;
        if round % 2 == 1 {
            client.settled_summary("killed-0").await?;
        }
        let demanded = client.delete(&format!("/users/{LEAVER}")).await?;
        ensure!(demanded.status == 202, "{demanded:?}");
        // The blow falls at another place each round: before the first message goes, between, or behind the last.
        let all = left(&client).await?;
        if !round.is_multiple_of(3) {
            wait::until("something to go", || async { Ok((left(&client).await? < all.max(1)).then_some(())) }).await?;
        }
        server.kill().await?;
        let server = launch.start().await?;
        let client = Client::new(server.address())?.with_key(&key);
        let state = client.get(&format!("/users/{LEAVER}/erasure")).await?.ok()?;
        cut += usize::from(state["state"] == "running");
        users::erased(&client, LEAVER, &demanded.json()?["asked_at"]).await?;
        ensure!(left(&client).await? == 0, "something was left");
        let history = client.get(&format!("/users/{LEAVER}/chats")).await?.ok()?;
        ensure!(history["total_conversations"] == 0, "{history}");
        server.stop().await?;
    }
    ensure!(cut > 0, "no erasure was cut short");
    let server = launch.start().await?;
    let client = Client::new(server.address())?;
    for talk in 0..TALKS {
        let conversation = format!("killed-{talk}");
        let history = client.history(&conversation).await?;
        ensure!(history.len() == 40 * rounds, "of another: {}", history.len());
        let summary = client.settled_summary(&conversation).await?;
        ensure!(summary["covers"]["messages"] == history.len() && !summary.to_string().contains(WORD), "{summary}");
    }
    gone(data.path(), WORD).await?;
    server.stop().await?;
    ensure!(files_with(data.path(), WORD)?.is_empty(), "it came back");
    let acts = audit(data.path(), &["--tenant", "public", "--user", LEAVER]).await?;
    let of = |outcome| -> std::collections::BTreeSet<&str> {
        acts.iter().filter(|act| act["outcome"] == outcome).filter_map(|act| act["act"].as_str()).collect()
    };
    ensure!(of("asked").len() == rounds && of("done") == of("asked"), "{acts:#?}");
    check(data.path()).await
}
