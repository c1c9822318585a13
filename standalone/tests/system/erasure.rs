//! What was erased is not in the files either: no byte of it, in no table, free page or write-ahead log.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use shared_testkit::bytes::files_with;
use shared_testkit::wait;

use crate::Recap;

pub(crate) async fn gone(folder: &Path, text: &str) -> Result<()> {
    wait::until("no byte of what was erased", || async { Ok(files_with(folder, text)?.is_empty().then_some(())) })
        .await
        .with_context(|| format!("{text} is in {:?}", files_with(folder, text)))
}

/// Text, metadata, user, summaries and gists of a message that was edited, of one that was erased, and of a
/// conversation, while the server runs and after it has stopped.
#[tokio::test(flavor = "multi_thread")]
async fn no_byte_is_left_in_the_files() -> Result<()> {
    let recap = Recap::start().await?;
    let (client, folder) = (&recap.client, recap.data.path());
    for (conversation, word) in [("edited", "quetzalcoatlus"), ("erased", "archaeopteryx"), ("whole", "velociraptor")] {
        let mut messages: Vec<_> = (0..90).map(|n| json!({"content": format!("Line {n} of the plan.")})).collect();
        messages.insert(
            20,
            json!({
                "content": format!("We decided to ship project {word} on Friday. {}", word.repeat(600)),
                "user_id": format!("user-{word}"), "metadata": {"about": word},
            }),
        );
        let body = json!({"conversation_id": conversation, "user_id": "u", "messages": messages});
        client.post("/chats", &body).await?.ok()?;
        client.post("/chats/summarize", &json!({"conversation_id": conversation})).await?.ok()?;
        ensure!(!files_with(folder, word)?.is_empty(), "{word} was never in a file");
    }
    let edit = json!({"content": "We decided to wait.", "metadata": {}});
    client.patch("/chats/edited/messages/21", &edit).await?.ok()?;
    ensure!(client.delete("/chats/erased/messages/21").await?.status == 204);
    ensure!(client.delete("/chats/whole").await?.status == 204);
    for conversation in ["edited", "erased"] {
        client.settled_summary(conversation).await?;
    }
    for text in ["project quetzalcoatlus", "archaeopteryx", "velociraptor"] {
        gone(folder, text).await?;
    }
    recap.server.stop().await?;
    for text in ["project quetzalcoatlus", "archaeopteryx", "velociraptor"] {
        ensure!(files_with(folder, text)?.is_empty(), "{text} came back");
    }
    Ok(())
}
