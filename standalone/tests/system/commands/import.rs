//! Importing: what is stored, what is told, and what happens when it is done again.

use anyhow::{Result, ensure};
use shared_testkit::scenarios;

use super::{file, run};
use crate::Recap;

const SKI: &str = "\
12/24/20, 9:05 AM - Messages and calls are end-to-end encrypted.
12/24/20, 9:06 AM - Anna: Who brings the skis?
And who drives?
12/24/20, 9:07 AM - Ben: I will bring the skis by Friday.
12/24/20, 12:00 PM - Ben: <Media omitted>
";

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_is_stored_once_however_often_it_is_imported() -> Result<()> {
    let (recap, files) = (Recap::start().await?, tempfile::tempdir()?);
    let chat = file(&files, "WhatsApp Chat with Ski.txt", SKI)?;
    let first = recap.run(&["import", &chat]).await?.exits(0)?;
    ensure!(first.out.starts_with("Imported 2 messages into 1 conversation."), "{}", first.out);
    for told in ["system message", "media left out", "Ski.txt:5  Ben: <Media omitted>"] {
        ensure!(first.out.contains(told), "{}", first.out);
    }
    ensure!(!first.err.contains('\r'), "progress without a terminal: {}", first.err);
    let longer = file(&files, "later.txt", format!("{SKI}12/31/20, 11:59 PM - Anna: Happy new year!\n"))?;
    let again = recap.run(&["import", "--json", &longer, "--conversation", "Ski"]).await?.exits(0)?.json()?;
    ensure!(again["imported"] == 1 && again["already_there"] == 2, "{again}");
    ensure!(again["skipped"]["system message"]["examples"][0]["text"].is_string(), "{again}");
    let history = recap.client.history("Ski").await?;
    let said: Vec<_> = history.iter().map(|message| (&message["user_id"], &message["timestamp"])).collect();
    ensure!(said.len() == 3 && said[0].0 == "Anna" && said[2].1 == "2020-12-31T23:59:00Z", "{history:?}");
    ensure!(history[0]["content"] == "Who brings the skis?\nAnd who drives?");
    let prefixed = recap.run(&["import", &chat, "--prefix", "old/"]).await?.exits(0)?;
    ensure!(prefixed.out.contains("old/Ski"), "{}", prefixed.out);
    ensure!(recap.client.history("old/Ski").await?.len() == 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_stored_when_only_looked_at() -> Result<()> {
    let (recap, files) = (Recap::start().await?, tempfile::tempdir()?);
    let chat = file(&files, "ski.txt", SKI)?;
    let looked = recap.run(&["import", "--dry-run", &chat]).await?.exits(0)?;
    ensure!(looked.out.contains("Found 2 messages") && looked.out.contains("Nothing was stored"), "{}", looked.out);
    ensure!(recap.client.get("/chats/ski").await?.status == 404);
    // No server is needed for it.
    run(&["import", "--dry-run", &chat]).await?.exits(0)?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_codes_tell_whole_partly_and_failed() -> Result<()> {
    let (recap, files) = (Recap::start().await?, tempfile::tempdir()?);
    let broken = file(&files, "a.jsonl", "{\"text\":\"a\",\"user\":\"x\"}\nnot json\n")?;
    let partly = recap.run(&["import", &broken]).await?.exits(3)?;
    ensure!(partly.out.contains("not of this format") && partly.out.contains("a.jsonl:2"), "{}", partly.out);
    let cut = file(&files, "b.json", "[{\"text\":\"a\",\"user\":\"x\"},{\"te")?;
    let partly = recap.run(&["import", &cut, &broken]).await?.exits(3)?;
    ensure!(partly.out.contains("Not read to its end") && partly.out.contains("cut off"), "{}", partly.out);
    let missing = recap.run(&["import", "/no/such/file.zip"]).await?.exits(1)?;
    ensure!(missing.out.contains("No such file"), "{}", missing.out);
    let odd = file(&files, "c.bin", b"\0\x01")?;
    let odd = recap.run(&["import", &odd]).await?.exits(1)?;
    ensure!(odd.out.contains("--format"), "{}", odd.out);
    recap.run(&["import"]).await?.exits(2)?;
    recap.run(&["import", &broken, "--format", "telepathy"]).await?.exits(2)?;
    recap.run(&["import", &broken, "--url", "ftp://x"]).await?.exits(2)?;
    let alone = run(&["import", &broken]).await?.exits(1)?;
    ensure!(alone.err.contains("recap serve"), "{}", alone.err);
    let recap = Recap::with(|launch| scenarios::settings(launch).env("ANONYMOUS", "off")).await?;
    let nobody = recap.run(&["import", &broken]).await?.exits(1)?;
    ensure!(nobody.err.contains("recap keys create"), "{}", nobody.err);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_refuses_is_left_out_and_told() -> Result<()> {
    let files = tempfile::tempdir()?;
    let small = |launch| scenarios::settings(launch).env("MAX_CONTENT_BYTES", "100").env("MAX_MESSAGES", "10");
    let recap = Recap::with(small).await?;
    let line = |id: usize| {
        let text = if id == 12 { "x".repeat(200) } else { format!("text {id}") };
        format!("{{\"message_id\":\"{id}\",\"user\":\"u\",\"text\":\"{text}\",\"conversation\":\"c\"}}\n")
    };
    let lines: String = (0..25).map(line).collect();
    let all = file(&files, "a.jsonl", &lines)?;
    let report = recap.run(&["import", "--json", &all]).await?.exits(3)?.json()?;
    ensure!(report["imported"] == 24, "{report}");
    ensure!(report["refused"].to_string().contains("a.jsonl:13"), "{report}");
    let history = recap.client.history("c").await?;
    let ids: Vec<_> = history.iter().filter_map(|message| message["message_id"].as_str()).collect();
    let wanted: Vec<String> = (0..25).filter(|id| *id != 12).map(|id| id.to_string()).collect();
    ensure!(ids == wanted, "{ids:?}");
    let edited = file(&files, "b.jsonl", lines.replace("text 3\"", "text three\"").replace(&"x".repeat(200), "short"))?;
    let report = recap.run(&["import", "--json", &edited]).await?.exits(3)?.json()?;
    ensure!(report["imported"] == 1 && report["already_there"] == 23, "{report}");
    ensure!(report["refused"].to_string().contains("b.jsonl:4"), "{report}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn other_times_for_all_that_is_there_are_taken_for_a_mistake() -> Result<()> {
    let (recap, files) = (Recap::start().await?, tempfile::tempdir()?);
    let line = |id: u32| format!("{{\"id\":\"{id}\",\"user\":\"u\",\"text\":\"t\",\"time\":\"2024-01-31 12:00\"}}\n");
    let lines = (0..80).map(line).collect::<Vec<_>>().concat();
    let chat = file(&files, "a.jsonl", lines)?;
    recap.run(&["import", &chat]).await?.exits(0)?;
    let mistaken = recap.run(&["import", &chat, "--timezone", "+02:00"]).await?.exits(1)?;
    ensure!(mistaken.err.contains("--timezone"), "{}", mistaken.err);
    ensure!(recap.client.history("a").await?.len() == 80);
    Ok(())
}
