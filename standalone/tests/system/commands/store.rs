//! Commands on the store itself, and the health check.

use anyhow::{Result, ensure};
use shared_testkit::process::Launch;

use super::{Ran, on, run, run_at};
use crate::{RECAP, Recap};

#[tokio::test(flavor = "multi_thread")]
async fn health_is_an_exit_code() -> Result<()> {
    let recap = Recap::start().await?;
    let url = recap.server.url("");
    let healthy = run_at(&url, &["health"]).await?.exits(0)?;
    ensure!(healthy.out.is_empty() && healthy.err.is_empty(), "{healthy:?}");
    let foreign = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let silent = format!("http://{}", foreign.local_addr()?);
    let late = run_at(&silent, &["health", "--timeout", "50ms"]).await?.exits(1)?;
    ensure!(late.err.contains("no answer in time"), "{late:?}");
    recap.server.stop().await?;
    run_at(&url, &["health"]).await?.exits(1)?;
    let closed = run_at("https://127.0.0.1:1", &["health"]).await?.exits(1)?;
    ensure!(closed.err.contains("https://127.0.0.1:1"), "{closed:?}");
    run(&["health", "--timeout", "soon"]).await?.exits(2)?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn migrating_says_what_it_found_and_needs_the_store_alone() -> Result<()> {
    let recap = Recap::start().await?;
    recap.client.say("c", &[("u", "x")]).await?;
    let busy = on(&recap.data, &["migrate"]).await?.exits(1)?;
    ensure!(busy.err.contains("in use"), "{busy:?}");
    let busy = on(&recap.data, &["dead-letters", "list"]).await?.exits(1)?;
    ensure!(busy.err.contains("a server is running") && busy.err.contains("stop the server"), "{busy:?}");
    recap.server.stop().await?;
    let done = on(&recap.data, &["migrate"]).await?.exits(0)?;
    for file in ["log.db: is current, format ", "views.db: is current", "keys.db: is current"] {
        ensure!(done.out.contains(file), "{done:?}");
    }
    std::fs::remove_file(recap.data.path().join("views.db"))?;
    let done = on(&recap.data, &["migrate"]).await?.exits(0)?;
    ensure!(done.out.contains("views.db: made, format"), "{done:?}");
    let nothing = tempfile::tempdir()?;
    let missing = Launch::recap(RECAP, &nothing.path().join("none")).arg("migrate").output().await?;
    let missing = Ran::of(&missing).exits(1)?;
    ensure!(missing.err.contains("no data folder"), "{missing:?}");
    Ok(())
}

/// A mistyped folder is told; it is neither made nor called sound.
#[tokio::test]
async fn where_there_is_no_store_nothing_is_sound() -> Result<()> {
    let nowhere = tempfile::tempdir()?;
    let empty = on(&nowhere, &["check"]).await?.exits(1)?;
    ensure!(empty.err.contains("there is no data in"), "{empty:?}");
    for args in [&["check", "--repair"][..], &["dead-letters", "list"]] {
        let folder = nowhere.path().join("none");
        let launch = args.iter().fold(Launch::recap(RECAP, &folder), |launch, arg| launch.arg(*arg));
        let missing = Ran::of(&launch.output().await?).exits(1)?;
        ensure!(missing.err.contains("STORE_URL") && !folder.exists(), "{missing:?}");
    }
    ensure!(std::fs::read_dir(nowhere.path())?.next().is_none());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_of_a_sound_store_are_none() -> Result<()> {
    let data = tempfile::tempdir()?;
    let none = on(&data, &["dead-letters", "list"]).await?.exits(0)?;
    ensure!(none.out.is_empty() && none.err.contains("No work has failed"), "{none:?}");
    on(&data, &["dead-letters", "list", "--json"]).await?.exits(0)?;
    on(&data, &["dead-letters", "replay", "--all"]).await?.exits(0)?;
    let unknown = on(&data, &["dead-letters", "replay", "c"]).await?.exits(1)?;
    ensure!(unknown.err.contains("no work of conversation"), "{unknown:?}");
    on(&data, &["dead-letters", "replay"]).await?.exits(2)?;
    Ok(())
}
