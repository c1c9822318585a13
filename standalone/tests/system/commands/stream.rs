//! Importing as a stream: memory that does not grow, and a server that asks to wait.

use std::fmt::Write as _;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

use super::{Ran, file, run_at};
use crate::{RECAP, Recap};

fn importing(url: &str) -> Result<Child> {
    let mut command = Command::new(RECAP);
    command.args(["import", "-", "--json", "--conversation", "long"]).env_clear().env("RECAP_URL", url);
    Ok(command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).kill_on_drop(true).spawn()?)
}

/// The most memory that a process had, in KiB.
fn peak(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse()?)
}

/// `IMPORT_BYTES=200000000` makes it as long as the longest exports are.
#[tokio::test(flavor = "multi_thread")]
async fn memory_does_not_grow_with_the_source() -> Result<()> {
    if !cfg!(target_os = "linux") {
        eprintln!("SKIPPED: memory is read from /proc");
        return Ok(());
    }
    let bytes: usize = std::env::var("IMPORT_BYTES").map_or(Ok(8_000_000), |text| text.parse())?;
    let recap = Recap::start().await?;
    let mut child = importing(&recap.server.url(""))?;
    let (pid, mut stdin) = (child.id().context("it has ended")?, child.stdin.take().context("no standard input")?);
    let (mut written, mut lines, mut early) = (0, 0_u64, None);
    while written < bytes {
        let mut part = String::new();
        for _ in 0..500 {
            let (day, minute, second) = (lines / 86_400 % 28 + 1, lines / 60 % 1440, lines % 60);
            let (hour, minute) = (minute / 60, minute % 60);
            write!(
                part,
                "[{day:02}.01.24, {hour:02}:{minute:02}:{second:02}] User {}: line {lines} of many, ",
                lines % 50
            )?;
            part.push_str("with as much text as people write in one go, which is not much\n");
            lines += 1;
        }
        written += part.len();
        stdin.write_all(part.as_bytes()).await?;
        if early.is_none() && written > bytes / 4 {
            early = Some(peak(pid)?);
        }
    }
    let (early, late) = (early.context("too short")?, peak(pid)?);
    drop(stdin);
    let report = Ran::of(&child.wait_with_output().await?).exits(0)?.json()?;
    println!("{written} bytes: {early} KiB after a quarter, {late} KiB at the end");
    // A request whose answer was lost on a busy machine is repeated, and finds its messages there.
    let stored = report["imported"].as_u64().unwrap_or(0) + report["already_there"].as_u64().unwrap_or(0);
    ensure!(stored == lines && report["messages"] == lines, "{lines} lines: {report}");
    let history = recap.client.get("/chats/long?limit=1").await?.ok()?;
    ensure!(history["total_messages"] == lines, "{lines} lines: {history}");
    ensure!(late < early + 24 * 1024, "{early} KiB after a quarter, {late} KiB at the end");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_asks_to_wait_is_waited_for() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let serving = tokio::spawn(async move {
        let said = r#"{"detail":{"error":"later","code":"rate_limited","timestamp":"2024-01-31T12:00:00Z"}}"#;
        let answers = [
            format!("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: {}\r\n\r\n{said}", said.len()),
            format!(
                "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 0\r\nContent-Length: {}\r\n\r\n{said}",
                said.len()
            ),
            // It breaks off in the middle: not known whether it was stored.
            "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{".to_owned(),
            "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{\"inserted_count\": 1}".replace("20\r", "21\r"),
        ];
        let mut bodies = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().await?;
            let mut request = Vec::new();
            while !request.ends_with(b"]}") {
                let mut part = [0; 4096];
                let count = stream.read(&mut part).await?;
                ensure!(count > 0, "the request ended early");
                request.extend_from_slice(&part[..count]);
            }
            let text = String::from_utf8(request)?;
            bodies.push(text.split("\r\n\r\n").nth(1).context("no body")?.to_owned());
            stream.write_all(answer.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n").as_bytes()).await?;
        }
        Ok(bodies)
    });
    let files = tempfile::tempdir()?;
    let chat = file(&files, "a.txt", "Anna: hi\n")?;
    let ran = run_at(&url, &["import", "--json", &chat]).await?.exits(0)?;
    ensure!(ran.json()?["imported"] == 1 && ran.err.contains("rate limit"), "{ran:?}");
    let bodies = serving.await??;
    ensure!(bodies.len() == 4 && bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
    Ok(())
}
