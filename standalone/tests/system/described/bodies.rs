//! Bodies and parameters: the schema and the server say yes and no to the same ones.

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use shared_testkit::client::{Client, encode};

use super::documents::{Documents, holds};

fn message(field: &str, value: &Value) -> Value {
    let mut body = json!({ "conversation_id": "b", "user_id": "u", "messages": [{ "content": "said" }] });
    body["messages"][0][field] = value.clone();
    body
}

/// Bodies of `POST /chats`, and whether they are good.
fn posts() -> Vec<(bool, Value)> {
    let mut posts = vec![
        (true, json!({ "user_id": "u", "messages": [{ "content": "said" }] })),
        (true, json!({ "user_id": null, "messages": [{ "content": "said", "user_id": "u" }] })),
        (false, json!({ "messages": [{ "content": "said" }] })),
        (false, json!({ "messages": [{ "content": "said", "user_id": "u" }, { "content": "said", "user_id": null }] })),
        (false, json!({ "user_id": "u" })),
        (false, json!({ "user_id": "u", "messages": [] })),
        (false, json!({ "user_id": "u", "messages": null })),
        (false, json!({ "user_id": "u", "messages": ["said"] })),
        (false, json!({ "user_id": "u", "messages": [{ "text": "said" }] })),
        (false, json!({ "user_id": 7, "messages": [{ "content": "said" }] })),
        (false, json!({ "user_id": "u", "messages": [{ "content": "said" }], "else": 1 })),
        (false, json!({ "user_id": "u", "messages": vec![json!({ "content": "said" }); 1001] })),
        (true, json!({ "user_id": "u", "messages": vec![json!({ "content": "said" }); 1000] })),
    ];
    for (good, field, value) in [
        (true, "content", json!("x".repeat(32 * 1024))),
        (false, "content", json!("x".repeat(32 * 1024 + 1))),
        (false, "content", json!("")),
        (false, "content", json!(null)),
        (true, "user_id", json!("🦀".repeat(256))),
        (false, "user_id", json!("🦀".repeat(257))),
        (false, "user_id", json!("")),
        (false, "user_id", json!("a\u{0}")),
        (false, "message_id", json!("a\u{7f}")),
        (false, "message_id", json!("a\u{9f}b")),
        (true, "message_id", json!("a b\u{a0}\u{202e}")),
        (true, "timestamp", json!("2024-02-29T23:59:60.123456789-00:30")),
        (true, "timestamp", json!("2024-02-29 23:59:59")),
        (false, "timestamp", json!("2024-02-29")),
        (false, "timestamp", json!("2024-02-29T23:59")),
        (false, "timestamp", json!("yesterday")),
        (false, "timestamp", json!(1_700_000_000)),
        (true, "metadata", json!({ "a": [1, { "b": null }] })),
        (false, "metadata", json!([])),
        (false, "metadata", json!("{}")),
        (false, "else", json!(1)),
    ] {
        posts.push((good, message(field, &value)));
    }
    posts
}

/// Sends bodies of every route that takes one.
pub(crate) async fn are_told_apart(documents: &Documents, client: &Client) -> Result<()> {
    client.say("b", &[("u", "said")]).await?;
    let summaries = [
        (true, json!({ "conversation_id": "b" })),
        (true, json!({ "conversation_id": "b", "summary_type": "detailed" })),
        (true, json!({ "conversation_id": "b", "summary_type": null })),
        (false, json!({ "conversation_id": null })),
        (false, json!({ "conversation_id": "" })),
        (false, json!({ "conversation_id": "b", "summary_type": "long" })),
        (false, json!({ "conversation_id": "b", "type": "brief" })),
        (false, json!({})),
        (false, json!([])),
    ];
    let ends = [(true, json!({})), (false, json!({ "reason": "done" })), (false, json!(null)), (false, json!([]))];
    let of_chats = posts().into_iter().map(|(good, body)| ("/chats", "/chats", good, body));
    let of_summaries = summaries.into_iter().map(|(good, body)| ("/chats/summarize", "/chats/summarize", good, body));
    let end = "/chats/{conversation_id}/end";
    let of_end = ends.into_iter().map(|(good, body)| (end, "/chats/b/end", good, body));
    for (path, address, good, body) in of_chats.chain(of_summaries).chain(of_end) {
        let operation = documents.operation(&Method::POST, path)?;
        let schema = &operation.described["requestBody"]["content"]["application/json"]["schema"];
        let schema = documents.schema(schema)?;
        let answer = client.post(address, &body).await?;
        let told = || format!("{path} {:.300}: {} {:.300}", body.to_string(), answer.status, answer.text);
        documents.check(&operation, &answer).with_context(told)?;
        ensure!(answer.status.is_success() == good, "the server: {}", told());
        ensure!(schema.is_valid(&body) == good, "the schema says {}: {}", !good, told());
    }
    Ok(())
}

/// Sends values of parameters.
pub(crate) async fn parameters_are_told_apart(documents: &Documents, client: &Client) -> Result<()> {
    client.say("b", &[("u", "said")]).await?;
    let history = ("/chats/{conversation_id}", "/chats/b");
    let user = ("/users/{user_id}/chats", "/users/u/chats");
    let versions = ("/chats/{conversation_id}/summaries", "/chats/b/summaries");
    let list = ("/chats", "/chats");
    let long = "x".repeat(257);
    for ((path, address), name, good, bad) in [
        (history, "limit", vec!["1", "500"], vec!["0", "501", "-1", "x", ""]),
        (history, "page", vec!["1", "18446744073709551615"], vec!["0", "1.5"]),
        (history, "order", vec!["asc", "desc"], vec!["up", ""]),
        (history, "since", vec!["2024-02-29", "2024-02-29 10:00:00"], vec!["now", "2024-2-9", "2024-02-29T10"]),
        (history, "until", vec!["2024-02-29T10:00:00.5+01:00"], vec!["", "24-02-29"]),
        (user, "limit", vec!["1", "100"], vec!["0", "101"]),
        (user, "start_date", vec!["2024-02-29"], vec!["soon"]),
        (user, "end_date", vec!["2024-02-29T10:00:00Z"], vec!["2024/02/29"]),
        (versions, "limit", vec!["1", "100"], vec!["0", "101"]),
        (versions, "summary_type", vec!["brief", "detailed"], vec!["long", ""]),
        (list, "limit", vec!["1", "100"], vec!["0", "101"]),
        (list, "page", vec!["7"], vec!["0"]),
        (list, "contains", vec!["", "b"], vec![long.as_str()]),
    ] {
        let operation = documents.operation(&Method::GET, path)?;
        let parameter = documents.parameter(&operation, name)?;
        let schema = documents.schema(&parameter["schema"])?;
        let whole = parameter["schema"]["type"] == "integer";
        let all = good.into_iter().map(|value| (true, value)).chain(bad.into_iter().map(|value| (false, value)));
        for (good, text) in all {
            let answer = client.get(&format!("{address}?{name}={}", encode(text))).await?;
            documents.check(&operation, &answer)?;
            ensure!(answer.status.is_success() == good, "{path} {name}={text}: {} {}", answer.status, answer.text);
            let number = serde_json::from_str(text).ok().filter(|_| whole);
            let value = number.unwrap_or_else(|| json!(text));
            ensure!(schema.is_valid(&value) == good, "{path} {name}={text}: the schema says {}", !good);
        }
        let default = &parameter["schema"]["default"];
        if name == "limit" {
            let told = client.get(address).await?.ok()?;
            ensure!(told["limit"] == *default, "{path}: the default limit is {}, not {default}", told["limit"]);
        }
    }
    Ok(())
}

/// The examples of requests and answers keep their schemas.
pub(crate) fn examples_are_valid(documents: &Documents) -> Result<()> {
    let mut examples = 0;
    for operation in documents.operations() {
        let responses = operation.described["responses"].as_object().into_iter().flatten().map(|(_, one)| one);
        for shown in responses.chain([&operation.described["requestBody"]]) {
            let content = &shown["content"]["application/json"];
            if let Some(example) = content.get("example") {
                holds(&documents.schema(&content["schema"])?, example).with_context(|| operation.id().to_owned())?;
                examples += 1;
            }
        }
    }
    ensure!(examples >= 12, "only {examples} examples");
    Ok(())
}
