//! TLS by the server itself: its files, their change, and clients that do not speak it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use shared_service::HttpConfig;
use shared_service::config::TlsConfig;
use shared_service::server::{ServeError, Server};
use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::app::{App, unlimited};
use super::client::{Client, LIMIT, request};

/// Files in a folder of the test's own, from the two pairs that lie beside the tests.
struct Files(TempDir);

impl Files {
    fn of(name: &str) -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        files.put(name, "key");
        files.put(name, "pem");
        files
    }

    fn put(&self, name: &str, kind: &str) {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/certificates/{name}.{kind}"));
        std::fs::copy(from, self.0.path().join(format!("served.{kind}"))).unwrap();
    }

    fn config(&self) -> HttpConfig {
        let file = |kind: &str| Some(self.0.path().join(format!("served.{kind}")));
        HttpConfig { tls: TlsConfig { tls_cert: file("pem"), tls_key: file("key") }, ..unlimited() }
    }
}

/// A client that trusts one certificate alone; `None` if that is not the one that is served.
async fn connect(app: &App, trusted: &str) -> Option<Client<TlsStream<TcpStream>>> {
    let pem = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/certificates/{trusted}.pem"));
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(pem).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(app.addr).await.unwrap();
    let name = ServerName::try_from("recap.test").unwrap();
    let shaking = TlsConnector::from(Arc::new(config)).connect(name, stream);
    tokio::time::timeout(LIMIT, shaking).await.unwrap().ok().map(Client::over)
}

async fn whoami(client: &mut Client<TlsStream<TcpStream>>) {
    client.send(request("GET", "/chats/whoami", &[], "")).await;
    let answer = client.answer().await;
    assert_eq!(answer.json()["tenant"], "public");
    assert_eq!(answer.header("strict-transport-security"), Some("max-age=31536000"));
}

#[tokio::test]
async fn requests_and_sockets_come_by_tls_and_browsers_are_told_to_stay_with_it() {
    let files = Files::of("one");
    let app = App::start(files.config()).await;
    let mut client = connect(&app, "one").await.unwrap();
    whoami(&mut client).await;
    whoami(&mut client).await;
    assert!(connect(&app, "two").await.is_none());
    client.send("GET / HTTP/1.1\r\nhost: localhost:8000\r\n\r\n").await;
    assert_eq!(client.answer().await.header("strict-transport-security"), None, "a name that is everybody's");

    let handshake = [
        "connection: upgrade",
        "upgrade: websocket",
        "sec-websocket-version: 13",
        "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
        "origin: https://recap.test:8000",
    ];
    client.send(request("GET", "/ws/summarize", &handshake, "")).await;
    assert_eq!(client.answer().await.status, 101);
    // A masked text, which comes back.
    client.send([0x81, 0x82, 0, 0, 0, 0, b'h', b'i']).await;
    let mut echo = [0; 4];
    tokio::time::timeout(LIMIT, client.stream.read_exact(&mut echo)).await.unwrap().unwrap();
    assert_eq!(echo, [0x81, 2, b'h', b'i']);
}

#[tokio::test]
async fn a_new_certificate_is_served_without_a_restart_and_open_connections_go_on() {
    let files = Files::of("one");
    let app = App::start(files.config()).await;
    let mut old = connect(&app, "one").await.unwrap();
    whoami(&mut old).await;
    files.put("two", "key");
    files.put("two", "pem");
    let changed = async {
        while connect(&app, "two").await.is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, changed).await.unwrap();
    assert!(connect(&app, "one").await.is_none());
    whoami(&mut old).await;
}

#[tokio::test]
async fn clients_that_do_not_shake_hands_are_ended_and_hold_a_place_until_then() {
    let files = Files::of("one");
    let config = HttpConfig { header_timeout: Duration::from_millis(200), max_connections: 1, ..files.config() };
    let app = App::start(config).await;
    let silent = Client::connect(app.addr).await;
    // There is one place, so this one is closed without a word.
    assert!(connect(&app, "one").await.is_none());
    assert!(silent.closed().await.is_empty());
    let mut plain = Client::connect(app.addr).await;
    plain.send(request("GET", "/", &[], "")).await;
    // What comes is an alert, if anything.
    assert!(!plain.closed().await.starts_with(b"HTTP"));
    let served = async { while connect(&app, "one").await.is_none() {} };
    tokio::time::timeout(LIMIT, served).await.unwrap();
}

#[tokio::test]
async fn files_that_cannot_be_used_are_a_fault_before_anything_listens() {
    let files = Files::of("one");
    assert!(Server::bind(&files.config()).await.is_ok());
    files.put("two", "key");
    let unfit = Server::bind(&files.config()).await.err().unwrap();
    assert!(matches!(unfit, ServeError::Tls(_)), "{unfit}");
    for broken in ["", "-----BEGIN CERTIFICATE-----\nnot base64\n-----END CERTIFICATE-----\n"] {
        std::fs::write(files.0.path().join("served.pem"), broken).unwrap();
        assert!(Server::bind(&files.config()).await.is_err());
    }
    std::fs::remove_file(files.0.path().join("served.pem")).unwrap();
    assert!(Server::bind(&files.config()).await.is_err());
}
