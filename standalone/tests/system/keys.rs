//! Keys made on the command line while the server runs, and what they open.

use anyhow::{Context, Result, ensure};
use shared_testkit::process::Launch;
use shared_testkit::{scenarios, wait};

use crate::{RECAP, Recap};

pub(crate) async fn keys(recap: &Recap, args: &[&str]) -> Result<String> {
    let mut launch = Launch::recap(RECAP, recap.data.path()).arg("keys");
    for arg in args {
        launch = launch.arg(*arg);
    }
    let output = launch.output().await?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_see_their_own_only() -> Result<()> {
    let recap = Recap::start().await?;
    let printed = keys(&recap, &["create", "--tenant", "acme", "--scopes", "write,read", "--rate", "0"]).await?;
    let key = printed.strip_suffix('\n').context("no line")?;
    ensure!(key.starts_with("rk_") && !key.contains(char::is_whitespace), "{printed:?}");
    let (public, acme) = (&recap.client, recap.client.with_key(key));
    public.say("shared-name", &[("anna", "public text")]).await?;
    ensure!(acme.get("/chats/shared-name").await?.code()? == "conversation_not_found");
    acme.say("shared-name", &[("anna", "text of acme")]).await?;
    ensure!(acme.history("shared-name").await?[0]["content"] == "text of acme");
    ensure!(public.history("shared-name").await?[0]["content"] == "public text");
    ensure!(acme.settled_summary("shared-name").await?["covers"]["messages"] == 1);
    let rows = wait::until("the user's row", || async {
        let page = acme.get("/users/anna/chats").await?.ok()?;
        Ok((page["total_conversations"] == 1).then_some(page))
    });
    ensure!(rows.await?["conversations"][0]["last_message"] == "text of acme");
    ensure!(acme.delete("/chats/shared-name").await?.status == 204);
    ensure!(public.history("shared-name").await?.len() == 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn scopes_and_revoking() -> Result<()> {
    let recap = Recap::start().await?;
    let reader = keys(&recap, &["create", "--tenant", "acme", "--scopes", "read"]).await?;
    let reader = recap.client.with_key(reader.trim());
    let refused = reader.post("/chats", &serde_json::json!({"user_id": "u", "messages": [{"content": "x"}]})).await?;
    ensure!(refused.status == 403 && refused.code()? == "forbidden", "{refused:?}");
    ensure!(reader.get("/chats").await?.status == 200);
    let wrong = recap.client.with_key("rk_0000000000000000000000000000000000000000").get("/chats").await?;
    ensure!(wrong.status == 401 && wrong.code()? == "unauthenticated", "{wrong:?}");
    let list = keys(&recap, &["list"]).await?;
    let prefix = list.lines().find(|line| line.contains("acme")).and_then(|line| line.split('…').next());
    keys(&recap, &["revoke", prefix.context("not listed")?]).await?;
    wait::until("the key to be refused", || async { Ok((reader.get("/chats").await?.status == 401).then_some(())) })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn anonymous_callers_can_be_switched_off() -> Result<()> {
    let recap = Recap::with(|launch| scenarios::settings(launch).env("ANONYMOUS", "off")).await?;
    ensure!(recap.client.get("/chats").await?.code()? == "unauthenticated");
    ensure!(recap.client.get("/healthz").await?.status == 200);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_start_prints_a_link_with_a_key_that_works() -> Result<()> {
    let recap = Recap::start().await?;
    let log = recap.server.log();
    let key = log.split("/#key=").nth(1).and_then(|rest| rest.split(['"', '\n']).next()).context("no link")?;
    ensure!(recap.client.with_key(key).get("/chats").await?.status == 200);
    recap.server.stop().await?;
    let again = Launch::recap(RECAP, recap.data.path()).start().await?;
    ensure!(!again.log().contains("/#key="), "the key was shown again");
    Ok(())
}
