//! A server that speaks MongoDB's protocol: `mongod`, else `ferretdb` behind a proxy that lends it what it lacks; on a
//! port that stays the same when it is started again, with files that stay too.

use std::fmt::Write as _;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::path::{Path, PathBuf};

use anyhow::Result;
use bson::{Bson, Document, doc};
use tempfile::TempDir;
use tokio::process::Command;

use super::backend::{self, Daemon};
use crate::mongo_proxy::{self, MongoProxy};

/// A database server with its files in a temporary folder.
pub struct MongoServer {
    binary: PathBuf,
    real: bool,
    port: u16,
    files: TempDir,
    /// Where the substitute itself listens.
    inner: u16,
    running: Option<(Daemon, Option<MongoProxy>)>,
}

impl MongoServer {
    /// One that runs; `None` if there is no binary.
    pub async fn start() -> Result<Option<Self>> {
        let Some(mut server) = Self::stopped()? else { return Ok(None) };
        server.restart().await?;
        Ok(Some(server))
    }

    /// One that does not run yet.
    pub fn stopped() -> Result<Option<Self>> {
        let real = std::env::var_os("MONGOD_BIN").is_some_and(|path| !path.is_empty());
        let found =
            if real { backend::find("MONGOD_BIN", "mongod") } else { backend::find("FERRETDB_BIN", "ferretdb") };
        let Some(binary) = found else { return Ok(None) };
        let (port, inner, files) = (backend::free_port()?, backend::free_port()?, tempfile::tempdir()?);
        Ok(Some(Self { binary, real, port, files, inner, running: None }))
    }

    /// Whether it is MongoDB itself, with all that the substitute lacks.
    #[must_use]
    pub fn is_real(&self) -> bool {
        self.real
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where the server itself listens, without what is lent to the substitute: for measurements, and for one client.
    #[must_use]
    pub fn server_port(&self) -> u16 {
        if self.real { self.port } else { self.inner }
    }

    /// The URL of a database.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        Self::url_at(self.port, database)
    }

    /// The URL of a database behind another port, such as a proxy's.
    #[must_use]
    pub fn url_at(port: u16, database: &str) -> String {
        format!("mongodb://127.0.0.1:{port}/{database}?directConnection=true")
    }

    /// A name that no other database has.
    #[must_use]
    pub fn fresh_name() -> String {
        format!("test_{:016x}", RandomState::new().build_hasher().finish())
    }

    /// What it has written.
    #[must_use]
    pub fn log(&self) -> String {
        self.running.as_ref().map(|(daemon, _)| daemon.log()).unwrap_or_default()
    }

    /// Starts it (again), with the files that it had.
    pub async fn restart(&mut self) -> Result<()> {
        self.running = None;
        let mut command = Command::new(&self.binary);
        if self.real {
            command.args(["--bind_ip", "127.0.0.1", "--port", &self.port.to_string(), "--dbpath"]);
            command.arg(self.files.path());
            self.running = Some((Daemon::start(command, "Waiting for connections").await?, None));
        } else {
            command.args(["--listen-addr", &format!("127.0.0.1:{}", self.inner), "--state-dir"]);
            command.arg(self.files.path());
            let daemon = Daemon::start(command, "mongodb://").await?;
            self.running = Some((daemon, Some(MongoProxy::mending(self.inner, self.port).await?)));
        }
        Ok(())
    }

    /// Where its files are.
    #[must_use]
    pub fn files(&self) -> &Path {
        self.files.path()
    }

    /// A command to the server itself.
    pub async fn command(&self, database: &str, mut command: Document) -> Result<Document> {
        command.insert("$db", database);
        mongo_proxy::one_command(self.server_port(), command).await
    }

    /// Names of a database's collections.
    pub async fn collections(&self, database: &str) -> Result<Vec<String>> {
        let listed = self.command(database, doc! { "listCollections": 1, "nameOnly": true }).await?;
        let batch = listed.get_document("cursor")?.get_array("firstBatch")?.clone();
        let name = |entry: &Bson| Some(entry.as_document()?.get_str("name").ok()?.to_owned());
        Ok(batch.iter().filter_map(name).collect())
    }

    /// All documents of a collection, as text.
    pub async fn dump(&self, database: &str, collection: &str) -> Result<String> {
        let mut reply = self.command(database, doc! { "find": collection, "batchSize": 1000 }).await?;
        let mut text = String::new();
        let mut batch = "firstBatch";
        loop {
            let cursor = reply.get_document("cursor")?;
            write!(text, "{:?}", cursor.get_array(batch)?)?;
            let id = cursor.get_i64("id")?;
            if id == 0 {
                return Ok(text);
            }
            batch = "nextBatch";
            let more = doc! { "getMore": id, "collection": collection, "batchSize": 1000 };
            reply = self.command(database, more).await?;
        }
    }

    /// Gives the room of what was removed back to the file system, as operators are told to.
    pub async fn compact(&self, database: &str) -> Result<()> {
        for collection in self.collections(database).await? {
            self.command(database, doc! { "compact": collection, "force": true }).await?;
        }
        Ok(())
    }

    /// Stops it cleanly.
    pub async fn stop(&mut self) -> Result<()> {
        if let Some((mut daemon, proxy)) = self.running.take() {
            drop(proxy);
            daemon.stop().await?;
        }
        Ok(())
    }

    /// Kills it at once (SIGKILL).
    pub async fn kill(&mut self) -> Result<()> {
        if let Some((mut daemon, proxy)) = self.running.take() {
            drop(proxy);
            daemon.kill().await?;
        }
        Ok(())
    }

    /// Holds it up without ending it.
    pub async fn freeze(&self) -> Result<()> {
        self.signal("STOP").await
    }

    /// Lets it go on.
    pub async fn thaw(&self) -> Result<()> {
        self.signal("CONT").await
    }

    async fn signal(&self, name: &str) -> Result<()> {
        match &self.running {
            Some((daemon, _)) => daemon.signal(name).await,
            None => Ok(()),
        }
    }
}
