//! A database that lets in by TLS and a password only: the URL's options do what they say, and no error tells a secret.

use std::sync::Arc;
use std::time::Duration;

use shared::ports::MessageLog as _;
use shared_adapters::{MongoConfig, MongoStore, SystemIds};
use shared_testkit::certificate::Certificate;
use shared_testkit::conformance::build::{draft, fresh, post};
use shared_testkit::mongo_proxy::MongoDoor;

use crate::stage::{Stage, all, store_at};

const PASSWORD: &str = "s@cr/t";

struct Guarded {
    stage: Stage,
    door: MongoDoor,
    certificate: Certificate,
    _files: tempfile::TempDir,
}

impl Guarded {
    async fn new() -> Option<Self> {
        let files = tempfile::tempdir().unwrap();
        let (stage, certificate) = (Stage::new().await?, Certificate::make(files.path())?);
        let server = stage.shared.server.as_ref().unwrap().port();
        let door = MongoDoor::open(server, &certificate, PASSWORD).await.unwrap();
        Some(Self { stage, door, certificate, _files: files })
    }

    fn url(&self, login: &str, options: &str) -> String {
        let (port, name) = (self.door.port(), &self.stage.name);
        format!("mongodb://{login}127.0.0.1:{port}/{name}?directConnection=true&serverSelectionTimeoutMS=3000{options}")
    }

    fn options(&self) -> String {
        let authority = self.certificate.cert.to_str().unwrap().replace('/', "%2F");
        format!("&authSource=admin&authMechanism=SCRAM-SHA-256&tls=true&tlsCAFile={authority}")
    }

    /// Why a URL does not open, with all its causes.
    async fn refused(&self, login: &str, options: &str) -> String {
        let url = self.url(login, options).parse().unwrap();
        let config = MongoConfig { limit: Duration::from_secs(5), ..MongoConfig::new(url) };
        let store = MongoStore::connect(&config, Arc::new(SystemIds)).await.unwrap();
        let error = store.log.head(&fresh()).await.unwrap_err();
        let mut told = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            told = format!("{told}: {cause}");
            source = cause.source();
        }
        assert!(!told.contains("s@cr") && !told.contains("s%40cr") && !told.contains("gu@ss"), "{told}");
        told
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tls_and_a_password_open() {
    let Some(guarded) = Guarded::new().await else { return };
    let store = store_at(&guarded.url("anna:s%40cr%2Ft@", &guarded.options())).await;
    let key = fresh();
    post(&*store.log, &key, vec![draft("behind the door")]).await;
    assert_eq!(all(&*store.log, &key).await, ["behind the door"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_less_opens() {
    let Some(guarded) = Guarded::new().await else { return };
    let wrong = guarded.refused("anna:gu%40ss@", &guarded.options()).await;
    assert!(wrong.contains("Authentication failed"), "{wrong}");
    let nobody = guarded.options().replace("&authSource=admin&authMechanism=SCRAM-SHA-256", "");
    let nobody = guarded.refused("", &nobody).await;
    assert!(nobody.contains("requires authentication"), "{nobody}");
    let stranger = guarded.refused("anna:s%40cr%2Ft@", "&authMechanism=SCRAM-SHA-256&authSource=admin&tls=true").await;
    assert!(stranger.to_lowercase().contains("certificate"), "{stranger}");
    guarded.refused("anna:s%40cr%2Ft@", "&authMechanism=SCRAM-SHA-256&authSource=admin").await;
}
