//! The load generator runs from its start to its table. What it measures here means nothing and is not judged.

use std::path::PathBuf;
use std::process::{Command, Output};

use shared_testkit::process::backend;

const BENCH: &str = env!("CARGO_BIN_EXE_recap-bench");

fn bench(arguments: &[&str]) -> std::io::Result<Output> {
    Command::new(BENCH).args(arguments).output()
}

#[test]
fn quick_runs_give_a_table() {
    let recap = PathBuf::from(BENCH).with_file_name(format!("recap{}", std::env::consts::EXE_SUFFIX));
    if !recap.is_file() {
        eprintln!("SKIPPED: there is no {}; `cargo build -p recap` makes it", recap.display());
        return;
    }
    let output = bench(&["--quick", "posts", "pages", "sockets", "overload"]).unwrap();
    let (table, progress) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{progress}");
    for row in [
        "| a | ",
        "| c | first page",
        "| c | cursor page",
        "| f | post to summary frame on 50 sockets",
        "| l | a refusal, p99",
    ] {
        assert!(table.contains(row), "{row} is missing in\n{table}\n{progress}");
    }
    assert!(progress.contains("the projector fell"), "{progress}");
}

#[test]
fn quick_runs_over_a_database_give_a_table() {
    let beside = |name: &str| PathBuf::from(BENCH).with_file_name(name).is_file();
    let servers = backend::find("NATS_SERVER_BIN", "nats-server").is_some()
        && (std::env::var_os("MONGOD_BIN").is_some() || backend::find("FERRETDB_BIN", "ferretdb").is_some());
    if !servers || !["ingest-api", "summarizer-worker", "examples/mongo_bare"].into_iter().all(beside) {
        eprintln!("SKIPPED: no servers, or no services; `cargo test --workspace --no-run` makes those");
        return;
    }
    let output = bench(&["--store", "mongodb", "--quick", "--workers", "1"]).unwrap();
    let (table, progress) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{progress}");
    for row in [
        "| a | posts of one message on 64 connections, to the bare driver",
        "| b | messages in bodies of 100, to the bare driver",
        "| i | commands that insert its messages | 1 |",
        "| i | other commands, for each commit | 0 |",
        "| j | commands that insert again | 0 |",
        "| k | posts while NATS is away",
    ] {
        assert!(table.contains(row), "{row} is missing in\n{table}\n{progress}");
    }
    assert!(table.contains("on conversations of their own") && table.contains("commits | 0 | ≤ 0 | yes |"), "{table}");
}

#[test]
fn without_a_server_it_says_how_to_build_one() {
    let output = bench(&["--recap-binary", "/nowhere/recap"]).unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("/nowhere/recap") && said.contains("cargo build --release -p recap"), "{said}");
}
