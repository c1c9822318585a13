//! Who may do what, through the gateway: the matrix of one process, and keys that are revoked for all replicas.

use anyhow::{Result, ensure};
use deploy::stack::{Plan, Stack};
use shared_testkit::client::Client;
use shared_testkit::scenarios::access::{self, Keys};
use shared_testkit::scenarios::tenants;
use shared_testkit::wait;

use crate::stack;

async fn create(stack: &Stack, tenant: &str, scopes: &str) -> Result<String> {
    let made = stack.recap(&["keys", "create", "--tenant", tenant, "--scopes", scopes, "--rate", "0"]).await?;
    Ok(made.trim().to_owned())
}

async fn revoke(stack: &Stack, key: &str) -> Result<()> {
    stack.recap(&["keys", "revoke", &key[..11]]).await.map(drop)
}

async fn keys(stack: &Stack) -> Result<Keys> {
    let all = "write,read,admin";
    let revoked = create(stack, "acme", all).await?;
    revoke(stack, &revoked).await?;
    let args = ["keys", "create", "--tenant", "acme", "--scopes", all, "--expires", "1ms"];
    Ok(Keys {
        all: create(stack, "acme", all).await?,
        single: [
            create(stack, "acme", "write").await?,
            create(stack, "acme", "read").await?,
            create(stack, "acme", "admin").await?,
        ],
        other: create(stack, "other", all).await?,
        expired: stack.recap(&args).await?.trim().to_owned(),
        revoked,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_and_socket_knows_who_asks() -> Result<()> {
    let stack = stack!(Plan::default());
    let keys = keys(&stack).await?;
    let calls = access::matrix(&stack.client, &keys, true).await?;
    ensure!(calls > 100, "only {calls} calls");
    Box::pin(access::sockets(&stack.client, &stack.address(), &keys, true)).await?;
    tenants::never_meet(&stack.client.with_key(&keys.all), &stack.client.with_key(&keys.other)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_is_refused_by_every_replica() -> Result<()> {
    let stack = stack!(Plan::of(2, 1, 2));
    let key = create(&stack, "acme", "write,read").await?;
    let mut known = Vec::new();
    for replica in stack.ingest.iter().chain(&stack.query) {
        known.push(Client::new(&format!("127.0.0.1:{}", replica.port()))?.with_key(&key));
    }
    // An unknown path is answered by whoever it comes to, once it is known who asks.
    for client in &known {
        ensure!(client.get("/nowhere").await?.code()? == "not_found");
    }
    revoke(&stack, &key).await?;
    for client in &known {
        wait::until("the key to be refused", || async {
            Ok((client.get("/nowhere").await?.code()? == "unauthenticated").then_some(()))
        })
        .await?;
    }
    let listed = stack.recap(&["keys", "list"]).await?;
    ensure!(listed.contains(&key[..11]) && listed.contains("revoked") && !listed.contains(&key), "{listed}");
    Ok(())
}
