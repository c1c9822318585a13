//! Who is let in, and by which servers.

use shared::ports::EventBus as _;
use shared_adapters::NatsConnectError;
use shared_testkit::certificate::Certificate;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

use super::*;

/// An nkey for tests only, and the public half that a server knows.
const SEED: &str = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";
const PUBLIC: &str = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";

async fn bus(url: &str, config: &NatsConfig) -> NatsEventBus {
    NatsEventBus::connect(&url.parse().unwrap(), config).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn user_and_password_open_and_wrong_ones_do_not() {
    let users = "authorization { user: anna, password: \"s@crt\" }";
    let Some(server) = NatsServer::with(users).await.unwrap() else { return };
    let right = bus(&format!("nats://anna:s%40crt@127.0.0.1:{}", server.port()), &NatsConfig::default()).await;
    ready(&right).await;
    let wrong = bus(&format!("nats://anna:gu%40ss@127.0.0.1:{}", server.port()), &NatsConfig::default()).await;
    let refused = async || {
        let Err(BusError::Unavailable(Some(reason))) = wrong.ping().await else { panic!("let in") };
        let reason = reason.to_string();
        assert!(!reason.contains("gu@ss") && !reason.contains("gu%40ss"), "{reason}");
        Ok(reason.to_lowercase().contains("authorization").then_some(()))
    };
    wait::until("the reason to be told", refused).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_token_opens() {
    let Some(server) = NatsServer::with("authorization { token: \"t0ken\" }").await.unwrap() else { return };
    ready(&bus(&format!("nats://t0ken@127.0.0.1:{}", server.port()), &NatsConfig::default()).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_nkey_opens() {
    let keys = format!("authorization {{ users: [{{ nkey: {PUBLIC} }}] }}");
    let Some(server) = NatsServer::with(&keys).await.unwrap() else { return };
    let folder = tempfile::tempdir().unwrap();
    let seed = folder.path().join("seed");
    std::fs::write(&seed, format!("{SEED}\n")).unwrap();
    ready(&bus(&server.url(), &NatsConfig { nats_nkey: Some(seed), ..NatsConfig::default() }).await).await;
}

/// An operator, an account and a user, made for tests only; the JWTs never expire.
const OPERATOR: &str = include_str!("creds/operator.conf");
const CREDENTIALS: &str = include_str!("creds/recap.creds");

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn credentials_open_and_those_with_another_seed_do_not() {
    let Some(server) = NatsServer::with(OPERATOR).await.unwrap() else { return };
    let folder = tempfile::tempdir().unwrap();
    let with = async |text: &str, name: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        bus(&server.url(), &NatsConfig { nats_credentials: Some(file), ..NatsConfig::default() }).await
    };
    ready(&with(CREDENTIALS, "recap.creds").await).await;
    let begin = CREDENTIALS.find("SUA").unwrap();
    let foreign = CREDENTIALS.replace(&CREDENTIALS[begin..begin + SEED.len()], SEED);
    assert!(with(&foreign, "foreign.creds").await.ping().await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tls_with_a_certificate_on_both_sides() {
    let folder = tempfile::tempdir().unwrap();
    let Some(Certificate { cert, key }) = Certificate::make(folder.path()) else { return };
    let tls = format!("tls {{ cert_file: {cert:?}, key_file: {key:?}, ca_file: {cert:?}, verify: true }}");
    let Some(server) = NatsServer::with(&tls).await.unwrap() else { return };
    let config = NatsConfig {
        nats_tls_ca: Some(cert.clone()),
        nats_tls_cert: Some(cert.clone()),
        nats_tls_key: Some(key),
        ..NatsConfig::default()
    };
    ready(&bus(&format!("tls://127.0.0.1:{}", server.port()), &config).await).await;
    let stranger = NatsConfig { nats_tls_ca: Some(cert), ..NatsConfig::default() };
    let stranger = bus(&format!("tls://127.0.0.1:{}", server.port()), &stranger).await;
    assert!(stranger.ping().await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_older_than_2_10_is_refused_at_start() {
    let old = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("nats://{}", old.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        let (mut socket, _) = old.accept().await.unwrap();
        let info = r#"{"server_id":"x","server_name":"x","version":"2.9.25","go":"go1","host":"127.0.0.1","port":1,"headers":true,"max_payload":1048576,"proto":1,"jetstream":true}"#;
        socket.write_all(format!("INFO {info}\r\n").as_bytes()).await.unwrap();
        let (reading, mut writing) = socket.split();
        let mut lines = BufReader::new(reading).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            if line.starts_with("PING") {
                writing.write_all(b"PONG\r\n").await.unwrap();
            }
        }
    });
    let refused = NatsEventBus::connect(&url.parse().unwrap(), &NatsConfig::default()).await.err().unwrap();
    assert!(matches!(&refused, NatsConnectError::TooOld { version } if version == "2.9.25"), "{refused}");
    assert!(refused.to_string().contains("2.10"));
    serving.abort();
}
