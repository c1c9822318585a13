//! A running server, as the commands see it. Law: what a server asks to wait for is waited for, and what it refuses
//! is told in its own words.

mod origin;

use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use thiserror::Error;
use tokio::time::{Instant, sleep};

pub(crate) use origin::{Origin, Parts, ServerConfig};

/// One call, with its body.
const CALL: Duration = Duration::from_mins(2);
const CONNECT: Duration = Duration::from_secs(10);
/// So long may a server that answered before be away or overloaded in one go.
const PATIENCE: Duration = Duration::from_mins(5);
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// Told why a wait begins, and how long it is.
type OnWait = Box<dyn FnMut(&str, Duration) + Send>;

/// Calls one server.
pub(crate) struct Client {
    http: reqwest::Client,
    server: ServerConfig,
    /// Whether it has answered once, so that it is worth waiting for.
    met: bool,
    /// Told when a wait begins, and why.
    on_wait: OnWait,
}

/// Why a call gave nothing.
#[derive(Debug, Error)]
pub(crate) enum CallError {
    /// Nobody answers there.
    #[error("no server answers at {origin}: start one with `recap serve`, or name another with --url")]
    Unreachable {
        origin: Origin,
        #[source]
        source: reqwest::Error,
    },
    /// It shows a certificate that this machine does not trust.
    #[error("{}", untrusted_words(.origin, .why))]
    Untrusted { origin: Origin, why: String },
    /// It answers with an error.
    #[error("the server says: {0}")]
    Refused(Refusal),
    /// Somebody answers who is no Recap.
    #[error("{origin} does not answer as Recap does (status {status}): is --url right?")]
    Foreign { origin: Origin, status: StatusCode },
}

/// The error body of every route.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) code: String,
    pub(crate) error: String,
    /// Path and fault of each field.
    pub(crate) fields: Vec<(String, String)>,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.error, self.code)?;
        match self.code.as_str() {
            "unauthenticated" => f.write_str("; give a key with --key or RECAP_KEY, `recap keys create` makes one"),
            "forbidden" => f.write_str("; this key's scopes do not allow it, `recap keys create --scopes` sets them"),
            _ => Ok(()),
        }
    }
}

#[derive(Deserialize)]
struct ErrorBody {
    detail: Detail,
}

#[derive(Deserialize)]
struct Detail {
    error: String,
    code: String,
    #[serde(default)]
    fields: Vec<Field>,
}

#[derive(Deserialize)]
struct Field {
    path: String,
    error: String,
}

impl Client {
    pub(crate) fn new(server: &ServerConfig) -> anyhow::Result<Self> {
        secure();
        let http = reqwest::Client::builder().connect_timeout(CONNECT).timeout(CALL);
        let http = http.build().context("no HTTP client could be made")?;
        Ok(Self { http, server: server.clone(), met: false, on_wait: Box::new(|_, _| {}) })
    }

    /// Tells of waits from now on.
    pub(crate) fn on_wait(&mut self, tell: impl FnMut(&str, Duration) + Send + 'static) {
        self.on_wait = Box::new(tell);
    }

    /// GET of JSON.
    pub(crate) async fn get<T: DeserializeOwned>(&mut self, path: &str) -> Result<T, CallError> {
        let body = self.call(Method::GET, path, None).await?;
        serde_json::from_slice(&body).map_err(|_| self.foreign(StatusCode::OK))
    }

    /// POST of JSON.
    pub(crate) async fn post<T: DeserializeOwned>(&mut self, path: &str, json: Bytes) -> Result<T, CallError> {
        let body = self.call(Method::POST, path, Some(json)).await?;
        serde_json::from_slice(&body).map_err(|_| self.foreign(StatusCode::OK))
    }

    fn foreign(&self, status: StatusCode) -> CallError {
        CallError::Foreign { origin: self.server.origin(), status }
    }

    /// Calls until there is an answer that is not "later". Everything that is called here may be repeated.
    async fn call(&mut self, method: Method, path: &str, json: Option<Bytes>) -> Result<Bytes, CallError> {
        let origin = self.server.origin();
        let mut since: Option<Instant> = None;
        let mut pause = FIRST_PAUSE;
        loop {
            let mut request = self.http.request(method.clone(), format!("{origin}{path}"));
            if let Some(key) = &self.server.key {
                request = request.header(AUTHORIZATION, key.header());
            }
            if let Some(json) = &json {
                request = request.header(CONTENT_TYPE, "application/json").body(json.clone());
            }
            let answered = match request.send().await {
                Ok(response) => answer(response).await,
                Err(error) => Err(error),
            };
            let impatient = |since: &mut Option<Instant>| since.get_or_insert_with(Instant::now).elapsed() > PATIENCE;
            match answered {
                Ok(Answer { status, body, .. }) if status.is_success() => {
                    self.met = true;
                    return Ok(body);
                }
                Ok(Answer { status, retry_after, body }) => {
                    let Ok(said) = serde_json::from_slice::<ErrorBody>(&body) else { return Err(self.foreign(status)) };
                    self.met = true;
                    // A rate limit passes however often it is met; a server in trouble may stay in it.
                    let limited = status == StatusCode::TOO_MANY_REQUESTS;
                    let busy = status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::GATEWAY_TIMEOUT;
                    if !limited && (!busy || impatient(&mut since)) {
                        return Err(CallError::Refused(said.detail.refusal(status)));
                    }
                    let wait = retry_after.unwrap_or(pause).min(LONGEST_PAUSE);
                    let why = if limited { "the server's rate limit" } else { "the server is busy" };
                    (self.on_wait)(why, wait);
                    sleep(wait).await;
                }
                Err(source) => {
                    if let Some(why) = untrusted(&source) {
                        return Err(CallError::Untrusted { origin, why });
                    }
                    if !self.met || impatient(&mut since) {
                        return Err(CallError::Unreachable { origin, source });
                    }
                    (self.on_wait)("the server does not answer", pause);
                    sleep(pause).await;
                }
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

struct Answer {
    status: StatusCode,
    retry_after: Option<Duration>,
    body: Bytes,
}

async fn answer(response: reqwest::Response) -> Result<Answer, reqwest::Error> {
    let seconds = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let (status, retry_after) = (response.status(), seconds.map(Duration::from_secs));
    Ok(Answer { status, retry_after, body: response.bytes().await? })
}

impl Detail {
    fn refusal(self, status: StatusCode) -> Refusal {
        let fields = self.fields.into_iter().map(|field| (field.path, field.error)).collect();
        Refusal { status, code: self.code, error: self.error, fields }
    }
}

/// Why a server's certificate was refused, if it was that.
pub(crate) fn untrusted(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    let chain = std::iter::successors(Some(error), |error| error.source());
    // The libraries between wrap it each in its own way; the words stay.
    let words = chain.map(ToString::to_string).find_map(|text| Some(text.split_once(REFUSED)?.1.to_owned()))?;
    Some(if words == "UnknownIssuer" { "nobody whom this machine trusts has signed it".to_owned() } else { words })
}

const REFUSED: &str = "invalid peer certificate: ";

/// What to say of a certificate that is not trusted, and what to do.
pub(crate) fn untrusted_words(origin: &Origin, why: &str) -> String {
    format!("the certificate of {origin} is refused: {why}; SSL_CERT_FILE names a file of authorities to trust instead")
}

/// Makes `https` and `wss` possible, once for the process; a second time changes nothing.
pub(crate) fn secure() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// A text as one path segment or one query value.
pub(crate) fn encode(text: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}
