//! The gateway's own part: who answers what, which replica a conversation has, and what the services see of the caller.

use anyhow::{Result, ensure};
use deploy::replica::Replica;
use deploy::stack::Plan;
use reqwest::Method;
use serde_json::json;
use shared_testkit::wait;

use crate::stack;

/// How many requests of a route each replica has answered.
async fn answered(replicas: &[Replica], method: &str, route: &str) -> Result<Vec<f64>> {
    let (route, method) = (format!("route=\"{route}\""), format!("method=\"{method}\""));
    let mut counts = Vec::new();
    for replica in replicas {
        counts.push(replica.metric("recap_http_requests_total", &[&route, &method]).await?);
    }
    Ok(counts)
}

/// Waits until so many were answered by all of them together: a request is counted behind its answer.
async fn in_all(replicas: &[Replica], method: &str, route: &str, expected: f64) -> Result<Vec<f64>> {
    wait::until(&format!("{expected} of {method} {route}"), || async {
        let counts = answered(replicas, method, route).await?;
        let sum: f64 = counts.iter().sum();
        ensure!(sum <= expected, "{method} {route}: {counts:?}");
        Ok((sum >= expected).then_some(counts))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_path_has_its_service_and_each_conversation_its_replica() -> Result<()> {
    const ONE: &str = "/chats/{conversation_id}";
    let stack = stack!(Plan::of(2, 1, 3));
    stack.client.say("routed", &[("u", "We ship on Friday.")]).await?;
    stack.client.post("/chats/routed/end", &json!({})).await?;
    for _ in 0..12 {
        stack.client.get("/chats/routed").await?.ok()?;
    }
    stack.client.post("/chats/summarize", &json!({"conversation_id": "routed"})).await?.ok()?;
    ensure!(stack.client.delete("/chats/routed").await?.status == 204);
    in_all(&stack.ingest, "POST", "/chats", 1.0).await?;
    in_all(&stack.ingest, "POST", "/chats/{conversation_id}/end", 1.0).await?;
    in_all(&stack.ingest, "DELETE", ONE, 1.0).await?;
    in_all(&stack.query, "POST", "/chats/summarize", 1.0).await?;
    let mut of_one = in_all(&stack.query, "GET", ONE, 12.0).await?;
    of_one.sort_by(f64::total_cmp);
    ensure!(of_one[1] < 0.5, "one conversation was read at several replicas: {of_one:?}");
    for number in 0..30 {
        stack.client.get(&format!("/chats/other-{number}")).await?;
    }
    let of_all = in_all(&stack.query, "GET", ONE, 42.0).await?;
    ensure!(of_all.iter().all(|count| *count > 0.0), "all conversations are read at the same replicas: {of_all:?}");
    // Refused for want of the scope, by whoever would answer.
    ensure!(stack.client.delete("/users/some%2Fone").await?.code()? == "forbidden");
    for path in ["/users/some%2Fone/export", "/users/some%2Fone/erasure"] {
        ensure!(stack.client.get(path).await?.code()? == "forbidden", "{path}");
    }
    in_all(&stack.ingest, "DELETE", "/users/{user_id}", 1.0).await?;
    in_all(&stack.query, "GET", "/users/{user_id}/export", 1.0).await?;
    in_all(&stack.query, "GET", "/users/{user_id}/erasure", 1.0).await?;
    for (method, route) in [("POST", "/chats"), ("DELETE", ONE), ("DELETE", "/users/{user_id}")] {
        ensure!(answered(&stack.query, method, route).await?.iter().all(|count| *count < 0.5), "{method} {route}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn services_see_who_calls_and_by_which_id() -> Result<()> {
    let stack = stack!(Plan::default().with("RATE_LIMIT_ANONYMOUS", "5"));
    let from = |address: &str| stack.client.request(Method::GET, "/chats").header("x-forwarded-for", address);
    let mut status = 200;
    for _ in 0..30 {
        status = stack.client.send(from("192.0.2.1")).await?.status.as_u16();
        if status == 429 {
            break;
        }
    }
    ensure!(status == 429, "30 requests of one caller passed");
    let other = stack.client.send(from("192.0.2.2")).await?;
    ensure!(other.status == 200, "callers are counted together: {other:?}");
    let named = stack.client.send(from("192.0.2.3").header("x-request-id", "ab-12.3")).await?;
    ensure!(named.header("x-request-id") == "ab-12.3", "{named:?}");
    let made = stack.client.send(from("192.0.2.4").header("x-request-id", "no sane id")).await?;
    let id = made.header("x-request-id");
    ensure!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{made:?}");
    Ok(())
}
