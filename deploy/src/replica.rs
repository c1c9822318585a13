//! One process of a service, on ports that stay the same when it is started again.

use std::process::ExitStatus;

use anyhow::{Context, Result, ensure};
use shared_testkit::client::Client;
use shared_testkit::process::{Launch, Server, backend};
use shared_testkit::wait;

use crate::binaries::binary;

/// What the service is called, and what of it runs.
pub struct Replica {
    service: &'static str,
    launch: Launch,
    port: u16,
    admin: u16,
    running: Option<Server>,
}

impl Replica {
    /// One that does not run yet.
    pub fn new(service: &'static str, settings: impl FnOnce(Launch) -> Launch) -> Result<Self> {
        let (port, admin) = (backend::free_port()?, backend::free_port()?);
        let launch = Launch::of(binary(service)?)
            .env("LISTEN_ADDR", format!("127.0.0.1:{port}"))
            .env("ADMIN_ADDR", format!("127.0.0.1:{admin}"))
            .env("LOG_FORMAT", "json");
        Ok(Self { service, launch: settings(launch), port, admin, running: None })
    }

    /// Its name.
    #[must_use]
    pub fn service(&self) -> &'static str {
        self.service
    }

    /// Where it serves requests.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where it serves operators.
    #[must_use]
    pub fn admin_port(&self) -> u16 {
        self.admin
    }

    /// A client of what it answers operators.
    pub fn operators(&self) -> Result<Client> {
        Client::new(&format!("127.0.0.1:{}", self.admin))
    }

    /// How it is started, with what is changed by the test.
    pub fn change(&mut self, settings: impl FnOnce(Launch) -> Launch) {
        self.launch = settings(self.launch.clone());
    }

    /// Starts it, whatever it depends on; it answers operators when this returns.
    pub async fn start(&mut self) -> Result<()> {
        ensure!(self.running.is_none(), "{} runs already", self.service);
        self.running = Some(self.launch.start_when("health on http://").await?);
        Ok(())
    }

    /// Waits until it says that it is ready.
    pub async fn ready(&self) -> Result<()> {
        let operators = self.operators()?;
        let told = wait::until("a ready replica", || async {
            // While it starts, nobody may listen there yet.
            Ok(operators.get("/readyz").await.ok().filter(|answer| answer.status == 200))
        });
        told.await.map(drop).with_context(|| format!("{}:\n{}", self.service, self.log()))
    }

    /// Whether it says so now.
    pub async fn is_ready(&self) -> Result<bool> {
        Ok(self.operators()?.get("/readyz").await?.status == 200)
    }

    /// Kills it at once (SIGKILL).
    pub async fn kill(&mut self) -> Result<()> {
        match self.running.take() {
            Some(running) => running.kill().await,
            None => Ok(()),
        }
    }

    /// Kills it and starts it again.
    pub async fn restart(&mut self) -> Result<()> {
        self.kill().await?;
        self.start().await
    }

    /// Asks it to stop (SIGTERM) and waits for its end.
    pub async fn stop(&mut self) -> Result<ExitStatus> {
        self.running.take().context("it does not run")?.stop().await
    }

    /// What it has written since it was started last.
    #[must_use]
    pub fn log(&self) -> String {
        self.running.as_ref().map(Server::log).unwrap_or_default()
    }

    /// A number of its metrics, summed over labels; only lines that hold all of `labels` count.
    pub async fn metric(&self, name: &str, labels: &[&str]) -> Result<f64> {
        let text = self.operators()?.get("/metrics").await?.text;
        let mut sum = 0.0;
        for line in text.lines() {
            let Some((series, value)) = line.rsplit_once(' ') else { continue };
            let own = series.split('{').next() == Some(name);
            if own && labels.iter().all(|label| series.contains(label)) {
                sum += value.parse::<f64>().with_context(|| line.to_owned())?;
            }
        }
        Ok(sum)
    }
}
