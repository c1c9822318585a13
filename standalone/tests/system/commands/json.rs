//! What `--json` prints: of the shape that `docs/cli.md` promises.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Map, Value, json};
use shared::domain::{ConversationId, ConversationKey, Digest, TenantId};
use shared::ports::{Clock as _, DeadLetter, Ports, ProjectionStep};
use shared_adapters::{StoreConfig, SystemClock, open_closing};

use super::{Ran, file, on, run};
use crate::{Recap, repository};

/// The example that the document gives below the name of the command.
fn promised(command: &str) -> Result<Value> {
    let document = std::fs::read_to_string(repository().join("docs/cli.md"))?;
    let (_, rest) = document.split_once(&format!("\n`recap {command} --json`")).context("not documented")?;
    let (_, rest) = rest.split_once("```json\n").context("no example")?;
    let (example, _) = rest.split_once("```").context("the example does not end")?;
    serde_json::from_str(example).context("the example is no JSON")
}

/// Fields whose keys are names or reasons, not words of the format.
const MAPS: [&str; 3] = ["conversations", "skipped", "refused"];

/// Names of fields at every depth; of lists and maps what their first entry has.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, field)| (name.clone(), of(name, field))).collect())
        }
        Value::Array(list) => list.first().map_or_else(|| json!([]), |one| json!([shape(one)])),
        _ => Value::Null,
    }
}

fn of(name: &str, field: &Value) -> Value {
    match field {
        Value::Object(map) if MAPS.contains(&name) => {
            map.values().next().map_or_else(|| json!({}), |one| json!({"*": shape(one)}))
        }
        field => shape(field),
    }
}

/// Whether it has what was promised and nothing else; what is empty or unknown on one side says nothing.
fn fits(promised: &Value, found: &Value) -> bool {
    let same = |one: &Map<String, Value>, other: &Map<String, Value>| {
        one.len() == other.len() && one.iter().all(|(name, field)| other.get(name).is_some_and(|it| fits(field, it)))
    };
    match (promised, found) {
        (Value::Object(one), Value::Object(other)) => one.is_empty() || other.is_empty() || same(one, other),
        (Value::Array(one), Value::Array(other)) => one.iter().zip(other).all(|(one, other)| fits(one, other)),
        (Value::Null, _) | (_, Value::Null) => true,
        _ => false,
    }
}

fn as_promised(command: &str, ran: &Ran) -> Result<Value> {
    let line = ran.out.strip_suffix('\n').context("no line")?;
    ensure!(!line.contains('\n'), "{command}: more than a line: {line}");
    let (promised, found) = (shape(&promised(command)?), serde_json::from_str(line)?);
    ensure!(fits(&promised, &shape(&found)), "{command}: {found}\nis not as promised: {promised}");
    Ok(found)
}

#[test]
fn shapes_are_told_apart() {
    let promised = shape(&json!({"a": 1, "list": [{"b": null}], "skipped": {"x": {"count": 1}}}));
    for good in [
        json!({"a": null, "list": [{"b": "t"}, {"c": 1}], "skipped": {"y": {"count": 2}}}),
        json!({"a": 1, "list": [], "skipped": {}}),
    ] {
        assert!(fits(&promised, &shape(&good)), "{good}");
    }
    for bad in [json!({"a": 1, "list": [], "skipped": {}, "d": 1}), json!({"a": 1, "list": [{"c": 1}], "skipped": {}})]
    {
        assert!(!fits(&promised, &shape(&bad)), "{bad}");
    }
}

/// Does something to the store of a server that has stopped.
async fn opened<T>(data: &tempfile::TempDir, work: impl AsyncFnOnce(&Ports) -> Result<T>) -> Result<T> {
    let (ports, closing) = open_closing(&StoreConfig::embedded(data.path())).await?;
    let done = work(&ports).await;
    drop(ports);
    closing.close(Duration::from_mins(1)).await;
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_says_what_is_wrong_and_what_was_mended() -> Result<()> {
    let recap = Recap::start().await?;
    recap.client.say("team\u{202e}-sync", &[("u", "x"), ("u", "y")]).await?;
    recap.client.settled_summary("team\u{202e}-sync").await?;
    recap.server.stop().await?;
    let sound = as_promised("check", &on(&recap.data, &["check", "--json"]).await?.exits(0)?)?;
    ensure!(sound["clean"] == true && sound["messages"] == 2 && sound["faults"] == json!([]), "{sound}");

    let key = ConversationKey::new(TenantId::public(), ConversationId::parse("team\u{202e}-sync")?);
    opened(&recap.data, async |ports| {
        let rows = ports.views.conversations(std::slice::from_ref(&key)).await?;
        let mut view = rows.into_iter().flatten().next().context("no view")?.view;
        view.digest = Digest::of(b"wrong");
        let step = ProjectionStep { key: key.clone(), from: None, view, participations: Vec::new(), whole: true };
        Ok(ports.views.replace(step).await?)
    })
    .await?;
    let shown = on(&recap.data, &["check"]).await?.exits(1)?;
    ensure!(shown.out.contains("team\u{fffd}-sync: view: ") && shown.out.contains("faults"), "{shown:?}");
    let wrong = as_promised("check", &on(&recap.data, &["check", "--json"]).await?.exits(1)?)?;
    ensure!(wrong["clean"] == false && wrong["faulty"].as_u64() >= Some(1), "{wrong}");
    ensure!(wrong["faults"][0]["conversation_id"] == "team\u{202e}-sync", "{wrong}");
    ensure!(wrong["faults"][0]["kind"] == "view", "{wrong}");
    let mended = as_promised("check", &on(&recap.data, &["check", "--repair", "--json"]).await?.exits(0)?)?;
    ensure!(mended["clean"] == true && mended["repaired"] == 1 && mended["mended"] == mended["faulty"], "{mended}");
    on(&recap.data, &["check"]).await?.exits(0)?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_names_each_file() -> Result<()> {
    let data = tempfile::tempdir()?;
    let made = as_promised("migrate", &on(&data, &["migrate", "--json"]).await?.exits(0)?)?;
    ensure!(made["files"][0]["file"] == "log.db" && made["files"][0]["from"].is_null(), "{made}");
    let current = as_promised("migrate", &on(&data, &["migrate", "--json"]).await?.exits(0)?)?;
    let files = current["files"].as_array().context("no files")?;
    ensure!(files.len() == 4 && files.iter().all(|file| file["from"] == file["format"]), "{current}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_keys_tell_programs() -> Result<()> {
    let recap = Recap::start().await?;
    let ready = as_promised("health", &recap.run(&["health", "--json"]).await?.exits(0)?)?;
    ensure!(ready["ready"] == true && ready["url"] == recap.server.url(""), "{ready}");
    let create = ["keys", "create", "--json", "--tenant", "acme", "--scopes", "write,read", "--expires", "90d"];
    let made = as_promised("keys create", &on(&recap.data, &create).await?.exits(0)?)?;
    let key = made["key"].as_str().context("no key")?;
    ensure!(key.starts_with(made["prefix"].as_str().context("no prefix")?) && made["expires_at"].is_string(), "{made}");
    recap.client.with_key(key).say("c", &[("u", "x")]).await?;
    let listed = on(&recap.data, &["keys", "list", "--json"]).await?.exits(0)?.out;
    let rows = listed.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
    let row = rows.iter().find(|row| row["prefix"] == made["prefix"]).context("not listed")?;
    ensure!(!listed.contains(key) && row["tenant"] == "acme", "{listed}");
    let mut kept = made.clone();
    kept.as_object_mut().context("no object")?.remove("key");
    ensure!(fits(&shape(&kept), &shape(row)), "{row}");
    let silent = as_promised("health", &run(&["health", "--json"]).await?.exits(1)?)?;
    ensure!(silent["ready"] == false && silent["reason"].is_string(), "{silent}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_lines() -> Result<()> {
    let recap = Recap::start().await?;
    recap.client.say("kept", &[("u", "x")]).await?;
    recap.server.stop().await?;
    let (hop, reason) = ("project".to_owned(), "a fault of the test".to_owned());
    let letter = |id: &str| {
        let key = ConversationKey::new(TenantId::public(), ConversationId::parse(id)?);
        anyhow::Ok(DeadLetter { key, hop: hop.clone(), reason: reason.clone(), at: SystemClock.now(), attempts: 1 })
    };
    let fail = async |id: &str| {
        let letter = letter(id)?;
        opened(&recap.data, async |ports| Ok(ports.views.failed(&letter).await?)).await
    };
    for (id, outcome) in [("kept", "done"), ("never", "gone")] {
        fail(id).await?;
        let listed =
            as_promised("dead-letters list", &on(&recap.data, &["dead-letters", "list", "--json"]).await?.exits(0)?)?;
        ensure!(listed["conversation_id"] == id && listed["reason"] == "a fault of the test", "{listed}");
        let replay = on(&recap.data, &["dead-letters", "replay", "--all", "--json"]).await?.exits(0)?;
        let replayed = as_promised("dead-letters replay", &replay)?;
        ensure!(replayed["outcome"] == outcome && replayed["seq"].is_u64() == (outcome == "done"), "{replayed}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn imports_and_summaries_are_as_the_document_shows() -> Result<()> {
    let (recap, files) = (Recap::start().await?, tempfile::tempdir()?);
    let lines = "{\"id\":\"1\",\"user\":\"Luis\",\"text\":\"I will write the release notes.\"}\nnot json\n";
    let chat = file(&files, "standup.jsonl", lines)?;
    let report = as_promised("import", &recap.run(&["import", "--json", &chat]).await?.exits(3)?)?;
    ensure!(report["imported"] == 1 && report["skipped"]["not of this format"]["count"] == 1, "{report}");
    let other = file(&files, "standup.jsonl", lines.replace("notes", "plans"))?;
    let report = as_promised("import", &recap.run(&["import", "--json", &other]).await?.exits(3)?)?;
    ensure!(report["refused"].as_object().is_some_and(|reasons| reasons.len() == 1), "{report}");
    let cut = file(&files, "cut.json", "[{\"text\":\"a\",\"user\":\"x\"},{\"te")?;
    let report = as_promised("import", &recap.run(&["import", "--json", &cut]).await?.exits(3)?)?;
    ensure!(report["failed"][0]["error"].is_string(), "{report}");
    let summary = recap.run(&["summarize", "--json", &chat]).await?.exits(3)?;
    ensure!(summary.err.contains("left out, not of this format: 1, first at standup.jsonl:2"), "{summary:?}");
    let summary = as_promised("summarize", &summary)?;
    ensure!(summary["insights"]["participants"][0]["user_id"] == "Luis", "{summary}");
    Ok(())
}
