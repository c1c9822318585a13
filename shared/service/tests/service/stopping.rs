//! The end of a process.

use std::time::Duration;

use shared_service::{HttpConfig, RunError, TaskError, Tasks, run_until_stopped};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::app::{App, unlimited};
use super::client::{Client, LIMIT, request};

#[tokio::test]
async fn requests_in_work_are_answered_and_nothing_new_is_accepted() {
    let mut app = App::start(unlimited()).await;
    let mut idle = Client::connect(app.addr).await;
    idle.send(request("GET", "/", &[], "")).await;
    assert_eq!(idle.answer().await.status, 200);
    let mut working = Client::connect(app.addr).await;
    working.send(request("GET", "/slow", &[], "")).await;
    app.entered.recv().await.unwrap();

    app.tasks.stop();
    assert!(idle.closed().await.is_empty());
    let refused = async { while TcpStream::connect(app.addr).await.is_ok() {} };
    timeout(LIMIT, refused).await.unwrap();
    assert!(!app.serving.is_finished());

    app.slow.add_permits(1);
    let answer = working.answer().await;
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
    drop(working);
    timeout(LIMIT, app.serving).await.unwrap().unwrap();
    app.tasks.shutdown(LIMIT).await.unwrap();
}

#[tokio::test]
async fn a_request_that_does_not_end_is_cut_off_in_time() {
    let mut app = App::start(HttpConfig { shutdown_timeout: Duration::from_millis(100), ..unlimited() }).await;
    let mut working = Client::connect(app.addr).await;
    working.send(request("GET", "/slow", &[], "")).await;
    app.entered.recv().await.unwrap();
    app.tasks.stop();
    timeout(LIMIT, app.serving).await.unwrap().unwrap();
    assert!(working.closed().await.is_empty());
    app.tasks.shutdown(LIMIT).await.unwrap();
}

#[tokio::test]
async fn sockets_live_until_the_tasks_end_and_are_waited_for() {
    let app = App::start(unlimited()).await;
    let mut socket = Client::connect(app.addr).await;
    let headers = [
        "connection: upgrade",
        "upgrade: websocket",
        "sec-websocket-version: 13",
        "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
    ];
    socket.send(request("GET", "/ws/summarize", &headers, "")).await;
    assert_eq!(socket.answer().await.status, 101);
    app.tasks.stop();
    timeout(LIMIT, app.serving).await.unwrap().unwrap();
    // A masked text frame "hi" comes back unmasked.
    socket.send([0x81, 0x82, 0, 0, 0, 0, b'h', b'i']).await;
    let mut frame = [0; 4];
    timeout(LIMIT, tokio::io::AsyncReadExt::read_exact(&mut socket.stream, &mut frame)).await.unwrap().unwrap();
    assert_eq!(frame, [0x81, 2, b'h', b'i']);
    app.tasks.shutdown(LIMIT).await.unwrap();
    assert!(socket.closed().await.is_empty());
}

#[tokio::test]
async fn a_process_ends_well_when_asked_and_badly_when_a_task_fails() {
    let tasks = Tasks::new();
    let stopping = tasks.stopping();
    tasks.spawn("lane", async move {
        stopping.cancelled().await;
        Ok(())
    });
    tasks.stop();
    timeout(LIMIT, run_until_stopped(Vec::new(), &tasks, LIMIT)).await.unwrap().unwrap();

    let tasks = Tasks::new();
    tasks.spawn("lane", async { Err("the disk is full".into()) });
    let ended = timeout(LIMIT, run_until_stopped(Vec::new(), &tasks, LIMIT)).await.unwrap();
    assert!(matches!(ended, Err(RunError::Task(TaskError::Failed { name: "lane", .. }))), "{ended:?}");
}
