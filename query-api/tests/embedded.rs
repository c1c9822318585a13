//! The service as it runs: the real gate and accept loop, over the embedded store and bus.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use query_api::QueryConfig;
use serde_json::Value;
use shared::domain::{
    ConversationId, ConversationKey, Coverage, EndReason, Seq, SummaryVersion, TenantId, Timestamp, Trigger, Usage,
    UserId, Version,
};
use shared::ports::{Announcement, Append, CasOutcome, Condition, Draft, Entry, Ports, ProjectionStep};
use shared::projections::{ConversationView, participations};
use shared_adapters::StoreConfig;
use shared_service::{Gate, HttpConfig, Server, Tasks};
use shared_testkit::client::Client;
use shared_testkit::socket::{Frame, Socket};
use tempfile::TempDir;

struct Service {
    ports: Ports,
    tasks: Tasks,
    address: String,
    client: Client,
    _folder: TempDir,
}

impl Service {
    async fn start() -> Result<Self> {
        let folder = TempDir::new()?;
        let ports = shared_adapters::open(&StoreConfig::embedded(folder.path())).await?;
        let tasks = Tasks::new();
        let http = HttpConfig { rate_limit_anonymous: 0, ..HttpConfig::default() };
        let server = Server::bind(&http).await?;
        let address = server.local_addr().to_string();
        let router = query_api::build(&ports, &QueryConfig::default(), &tasks);
        let app = Gate::new(&http, 8 << 20, &ports).around(router);
        let own = tasks.clone();
        tokio::spawn(async move { server.run(app, &own).await });
        let client = Client::new(&address)?;
        Ok(Self { ports, tasks, address, client, _folder: folder })
    }

    async fn append(&self, conversation: &str, entries: Vec<Entry>) -> Result<()> {
        let append = Append {
            key: key(conversation)?,
            entries,
            idempotency: None,
            received_at: self.ports.clock.now(),
            condition: Condition::Always,
        };
        for outcome in self.ports.log.append(vec![append]).await {
            outcome?;
        }
        Ok(())
    }

    async fn post(&self, conversation: &str, messages: &[(&str, &str, i64)]) -> Result<()> {
        let mut entries = Vec::new();
        for (user, content, at) in messages {
            entries.push(Entry::Posted(Draft {
                user: UserId::parse(user)?,
                message_id: None,
                content: (*content).into(),
                timestamp: Some(Timestamp::from_millis(*at)),
                metadata: None,
                salt: self.ports.ids.random(),
            }));
        }
        self.append(conversation, entries).await
    }

    async fn project(&self, conversation: &str) -> Result<()> {
        let key = key(conversation)?;
        let row = self.ports.views.conversations(std::slice::from_ref(&key)).await?.pop().flatten();
        let from = row.as_ref().map(|row| (row.view.applied_seq, row.view.digest));
        let mut view = row.map_or_else(|| ConversationView::empty(&key), |row| row.view);
        let records = self.ports.log.read(&key, view.applied_seq.next(), 100_000).await?;
        for record in &records {
            ensure!(view.apply(record));
        }
        let seq = view.applied_seq;
        let participations = participations(&records);
        let step = ProjectionStep { key: key.clone(), from, view, participations, whole: false };
        ensure!(self.ports.views.commit(vec![step]).await? == [CasOutcome::Applied]);
        self.ports.bus.announce(Announcement::Projected { key, seq });
        Ok(())
    }

    async fn summarize(&self, conversation: &str) -> Result<Version> {
        let key = key(conversation)?;
        let row = self.ports.views.conversations(std::slice::from_ref(&key)).await?.pop().flatten();
        let row = row.context("no view")?;
        let previous = row.summary.map_or(Version::ZERO, |pointer| pointer.version);
        let said = shared_insights::Message { seq: 1, author: "anna", text: "We ship on Friday.", at_ms: 0 };
        let summary = SummaryVersion {
            version: previous.next(),
            covers: Coverage {
                first_seq: row.view.first_message,
                last_seq: row.view.last_message,
                messages: row.view.messages,
                digest: row.view.message_digest,
            },
            content: shared_insights::fold(&[], &[said]),
            engine: "local".into(),
            prompt_version: "1".into(),
            degraded: false,
            fallback: None,
            trigger: Trigger::Demand,
            usage: Usage::default(),
            dropped: Vec::new(),
            latency_ms: 3,
            generated_at: self.ports.clock.now(),
        };
        let saved = self.ports.views.save_summary(&key, row.epoch, previous, &summary).await?;
        ensure!(saved == CasOutcome::Applied);
        self.ports.bus.announce(Announcement::Summarized { key, version: summary.version });
        Ok(summary.version)
    }
}

fn key(conversation: &str) -> Result<ConversationKey> {
    Ok(ConversationKey::new(TenantId::public(), ConversationId::parse(conversation)?))
}

fn contents(page: &Value) -> Vec<String> {
    let list = page["messages"].as_array().cloned().unwrap_or_default();
    list.iter().map(|message| message["content"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn history_is_in_order_of_time_by_page_and_by_cursor() -> Result<()> {
    let service = Service::start().await?;
    // Every third message comes late, some by far; several share a timestamp.
    let messages: Vec<(String, i64)> = (0..137)
        .map(|number: i64| {
            let at = if number % 3 == 0 { number * 10 - number * number % 400 } else { number * 10 / 20 * 20 };
            (number.to_string(), 1_000_000 + at)
        })
        .collect();
    let drafts: Vec<(&str, &str, i64)> = messages.iter().map(|(text, at)| ("u", text.as_str(), *at)).collect();
    for chunk in drafts.chunks(10) {
        service.post("c", chunk).await?;
    }
    let mut sorted: Vec<(i64, usize)> = messages.iter().enumerate().map(|(seq, (_, at))| (*at, seq)).collect();
    sorted.sort_unstable();
    let expected: Vec<String> = sorted.iter().map(|(_, seq)| seq.to_string()).collect();
    for (order, expected) in [("asc", expected.clone()), ("desc", expected.into_iter().rev().collect())] {
        let mut by_page = Vec::new();
        for page in 1..=11 {
            let page = service.client.get(&format!("/chats/c?order={order}&limit=13&page={page}")).await?.ok()?;
            ensure!(page["total_messages"] == 137 && page["total_pages"] == 11, "{page}");
            by_page.extend(contents(&page));
        }
        ensure!(by_page == expected, "{order} by page: {by_page:?}");
        let mut page = service.client.get(&format!("/chats/c?order={order}&limit=7")).await?.ok()?;
        let mut by_cursor = contents(&page);
        while let Some(cursor) = page["next_cursor"].as_str() {
            page = service.client.get(&format!("/chats/c?limit=9&cursor={cursor}")).await?.ok()?;
            by_cursor.extend(contents(&page));
        }
        ensure!(by_cursor == expected, "{order} by cursor: {by_cursor:?}");
    }
    for page in ["12", "1000000000000", "18446744073709551615"] {
        let beyond = service.client.get(&format!("/chats/c?limit=13&page={page}")).await?.ok()?;
        ensure!(contents(&beyond).is_empty() && beyond["total_messages"] == 137, "{beyond}");
    }
    Ok(())
}

#[tokio::test]
async fn lists_summaries_and_user_history_come_from_the_views() -> Result<()> {
    let service = Service::start().await?;
    service.post("a", &[("anna", "We ship on Friday.", 1_000), ("ben", "Fine.", 2_000)]).await?;
    service.post("b", &[("anna", "Lunch?", 5_000)]).await?;
    for conversation in ["a", "b"] {
        service.project(conversation).await?;
    }
    service.summarize("a").await?;
    let list = service.client.get("/chats").await?.ok()?;
    ensure!(list["conversations"][0]["conversation_id"] == "b" && list["total_conversations"] == 2, "{list}");
    ensure!(list["conversations"][1]["last_message"]["content"] == "Fine.", "{list}");
    let history = service.client.get("/users/anna/chats?limit=1&page=2").await?.ok()?;
    ensure!(history["conversations"][0]["last_message"] == "We ship on Friday.", "{history}");
    ensure!(history["conversations"][0]["latest"]["content"] == "Fine.", "{history}");
    ensure!(history["total_conversations"] == 2 && history["total_pages"] == 2, "{history}");
    let summary = service.client.get("/chats/a/summary").await?.ok()?;
    ensure!(summary["stale_messages"] == 0 && summary["version"] == 1, "{summary}");
    ensure!(service.client.get("/chats/a/summaries").await?.ok()?["summaries"][0]["version"] == 1);
    let none = service.client.get("/chats/b/summary").await?;
    ensure!(none.status == 404 && none.code()? == "summary_not_found", "{none:?}");
    let wrong = service.client.get("/chats/a?page=0").await?;
    ensure!(wrong.status == 400 && wrong.json()?["detail"]["fields"][0]["path"] == "page", "{wrong:?}");
    Ok(())
}

#[tokio::test]
async fn listeners_hear_of_messages_versions_the_end_and_the_stop() -> Result<()> {
    let service = Service::start().await?;
    let mut socket = Socket::connect(&service.address, "conversation_id=c").await?;
    service.post("c", &[("anna", "We ship on Friday.", 1_000)]).await?;
    service.project("c").await?;
    ensure!(socket.until("insights").await?["message_count"] == 1);
    service.summarize("c").await?;
    ensure!(socket.until_covered(1).await?["version"] == 1);
    service.append("c", vec![Entry::Ended(EndReason::Requested)]).await?;
    service.project("c").await?;
    ensure!(socket.until("ended").await?["reason"] == "requested");
    ensure!(socket.next().await? == Frame::Closed(1000, "conversation ended".to_owned()));
    let mut open = Socket::connect(&service.address, "conversation_id=d").await?;
    service.tasks.stop();
    let tasks = service.tasks.clone();
    let stopped = tokio::spawn(async move { tasks.shutdown(std::time::Duration::from_secs(10)).await });
    ensure!(open.closed().await?.0 == 1001);
    drop(open);
    stopped.await??;
    Ok(())
}

#[tokio::test]
async fn thousands_of_listeners_all_hear_of_a_version() -> Result<()> {
    let service = Arc::new(Service::start().await?);
    service.post("c", &[("anna", "We ship on Friday.", 1_000)]).await?;
    service.project("c").await?;
    let mut sockets = Vec::new();
    for _ in 0..300 {
        sockets.push(Socket::connect(&service.address, "conversation_id=c").await?);
    }
    for version in 1..=3 {
        ensure!(service.summarize("c").await? == Version(version));
        for socket in &mut sockets {
            socket.until_that("summary", |frame| frame["version"] == version).await?;
        }
    }
    ensure!(service.ports.log.head(&key("c")?).await?.context("no head")?.seq == Seq(1));
    Ok(())
}
