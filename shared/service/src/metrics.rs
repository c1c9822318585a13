//! Prometheus metrics. Law: memory does not grow with traffic; the recorder is installed once, by the binary.

use std::error::Error;
use std::time::Duration;

use metrics::Unit;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use thiserror::Error;

use crate::tasks::Tasks;

/// How often samples of histograms are folded into their buckets; between two, each sample is held.
const UPKEEP: Duration = Duration::from_secs(1);

const SECONDS: [f64; 16] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];
const SIZES: [f64; 11] = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 5000.0];

/// Metrics could not be set up.
#[derive(Debug, Error)]
pub enum MetricsError {
    /// Buckets are wrong.
    #[error("metrics cannot be set up")]
    Build(#[from] BuildError),
    /// The process has a recorder already.
    #[error("metrics are installed already")]
    Installed(#[source] Box<dyn Error + Send + Sync>),
}

/// Renders what the recorder holds.
#[derive(Debug, Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
}

impl Metrics {
    /// Makes all `metrics` macros of the process count here. To be called once, before anything counts.
    pub fn install() -> Result<Self, MetricsError> {
        let recorder = recorder()?;
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).map_err(|error| MetricsError::Installed(error.to_string().into()))?;
        describe();
        Ok(Self { handle })
    }

    /// Counts nothing: for a process whose recorder is elsewhere, such as one of several servers in one test.
    pub fn detached() -> Result<Self, MetricsError> {
        Ok(Self { handle: recorder()?.handle() })
    }

    /// Starts the task that folds samples, so that they do not pile up where nobody scrapes.
    pub fn keep_up(&self, tasks: &Tasks) {
        let (handle, stopping) = (self.handle.clone(), tasks.stopping());
        tasks.spawn("metrics", async move {
            while tokio::time::timeout(UPKEEP, stopping.cancelled()).await.is_err() {
                handle.run_upkeep();
            }
            Ok(())
        });
    }

    /// The text format of Prometheus.
    #[must_use]
    pub fn render(&self) -> String {
        self.handle.render()
    }
}

fn recorder() -> Result<PrometheusRecorder, BuildError> {
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_size".to_owned()), &SIZES)?;
    Ok(builder.build_recorder())
}

/// What each metric of any process is, for those who read `/metrics`.
const DESCRIPTIONS: [(Kind, &str, &str); 28] = [
    (Kind::Counter, "recap_http_requests_total", "Requests answered"),
    (Kind::Counter, "recap_http_errors_total", "Requests refused or failed, by code"),
    (Kind::Counter, "recap_limit_refusals_total", "What was refused, by limit"),
    (Kind::Counter, "recap_tls_reloads_total", "Times that a changed certificate was read again"),
    (Kind::Seconds, "recap_http_request_duration_seconds", "From head to answer"),
    (Kind::Seconds, "recap_store_query_duration_seconds", "Operations on the store"),
    (Kind::Counter, "recap_append_messages_total", "Messages made durable"),
    (Kind::Histogram, "recap_append_batch_size", "Requests that share a commit"),
    (
        Kind::Counter,
        "recap_append_conflicts_total",
        "Conversations of a commit written again because another replica was faster",
    ),
    (Kind::Counter, "recap_erased_messages_total", "Messages erased with their user"),
    (Kind::Gauge, "recap_user_erasures_running", "Users that are being erased"),
    (Kind::Gauge, "recap_publish_pending", "Conversations whose notice waits for the bus"),
    (Kind::Counter, "recap_publish_dropped_total", "Notices dropped, which the reconciler makes good for"),
    (Kind::Counter, "recap_bus_stalls_total", "Times that notices waited and none came"),
    (Kind::Seconds, "recap_project_lag_seconds", "From receipt to view"),
    (Kind::Seconds, "recap_summarize_duration_seconds", "Runs of summaries, by engine and outcome"),
    (Kind::Counter, "recap_summarize_fallbacks_total", "Summaries by the local engine in place of the model"),
    (Kind::Gauge, "recap_summary_uncovered_messages", "Messages that no summary covers"),
    (Kind::Counter, "recap_llm_tokens_total", "Tokens sent to and received from the model"),
    (Kind::Counter, "recap_llm_calls_total", "Calls of the model"),
    (Kind::Counter, "recap_llm_cap_refusals_total", "Calls not made because of the daily cap"),
    (Kind::Gauge, "recap_llm_breaker_open", "1 while the model is not asked because it keeps failing"),
    (Kind::Seconds, "recap_llm_call_duration_seconds", "Calls of the model"),
    (Kind::Gauge, "recap_push_sockets", "Open WebSockets"),
    (Kind::Seconds, "recap_push_delay_seconds", "From a stored version to its listener"),
    (Kind::Counter, "recap_push_announcements_dropped_total", "Updates dropped, which make listeners load anew"),
    (Kind::Counter, "recap_redis_summaries_total", "Newest summaries that Redis had"),
    (Kind::Counter, "recap_redis_failures_total", "Questions that Redis did not answer"),
];

enum Kind {
    Counter,
    Gauge,
    Histogram,
    Seconds,
}

fn describe() {
    for (kind, name, text) in DESCRIPTIONS {
        match kind {
            Kind::Counter => metrics::describe_counter!(name, text),
            Kind::Gauge => metrics::describe_gauge!(name, text),
            Kind::Histogram => metrics::describe_histogram!(name, text),
            Kind::Seconds => metrics::describe_histogram!(name, Unit::Seconds, text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_are_histograms() {
        let recorder = recorder().unwrap();
        let metrics = Metrics { handle: recorder.handle() };
        metrics::with_local_recorder(&recorder, || {
            metrics::histogram!("recap_http_request_duration_seconds", "route" => "/chats").record(0.003);
            metrics::histogram!("recap_append_batch_size").record(7.0);
            metrics::counter!("recap_http_requests_total", "route" => "/chats").increment(2);
        });
        let text = metrics.render();
        for line in [
            "recap_http_request_duration_seconds_bucket{route=\"/chats\",le=\"0.0025\"} 0",
            "recap_http_request_duration_seconds_bucket{route=\"/chats\",le=\"0.005\"} 1",
            "recap_append_batch_size_bucket{le=\"10\"} 1",
            "recap_http_requests_total{route=\"/chats\"} 2",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
    }
}
