//! One HTTP exchange. Law: one try, no redirects, no endless reply, and whatever is no answer becomes an error of
//! ours before async-openai sees it, so that it has nothing to repeat and nothing to log.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use futures_util::StreamExt as _;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Body, Client, Response, StatusCode};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tower::Service;

use super::failure::{Complaint, Failure, retry_after};

/// More than this is no answer to our questions.
const MOST_REPLY: usize = 4 << 20;
/// As much of an error body as is looked at.
const MOST_COMPLAINT: usize = 64 << 10;

/// A client of its own: no proxy of the environment, no redirects, `rustls` over `ring`.
pub(super) fn client(connect_timeout: Duration) -> Result<Client, ClientError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?
        .with_no_client_auth();
    Ok(Client::builder()
        .tls_backend_preconfigured(tls)
        .connect_timeout(connect_timeout)
        .pool_idle_timeout(Duration::from_secs(30))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .user_agent(concat!("recap/", env!("CARGO_PKG_VERSION")))
        .build()?)
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The machine's certificates cannot be used.
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
    /// Anything else.
    #[error("the HTTP client cannot be set up")]
    Client(#[from] reqwest::Error),
}

/// Sends what async-openai has built.
#[derive(Debug, Clone)]
pub(super) struct Exchange {
    client: Client,
}

impl Exchange {
    pub(super) fn new(client: Client) -> Self {
        Self { client }
    }
}

type Replying = Pin<Box<dyn Future<Output = Result<Response, OpenAIError>> + Send>>;

impl Service<HttpRequestFactory> for Exchange {
    type Response = Response;
    type Error = OpenAIError;
    type Future = Replying;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), OpenAIError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: HttpRequestFactory) -> Replying {
        let client = self.client.clone();
        Box::pin(async move {
            let request = request.build().await?;
            exchange(&client, request).await.map_err(|failure| OpenAIError::Boxed(Box::new(failure)))
        })
    }
}

async fn exchange(client: &Client, request: reqwest::Request) -> Result<Response, Failure> {
    let streamed = asks_for_stream(&request);
    let reply = client.execute(request).await.map_err(|error| {
        if error.is_connect() || error.is_builder() { Failure::Connect(error) } else { Failure::Broken(error) }
    })?;
    let status = reply.status();
    if status != StatusCode::OK {
        let after = retry_after(reply.headers());
        let body = limited(reply, MOST_COMPLAINT).await.unwrap_or_default();
        return Err(Failure::Status(status.as_u16(), Complaint::read(&body), after));
    }
    let kind = reply.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.starts_with("text/event-stream") {
        return Ok(bounded(reply));
    }
    if kind.starts_with("text/html") {
        return Err(Failure::Garbled("a page in place of an answer"));
    }
    whole(reply, streamed).await
}

/// In JSON, quotes within texts are escaped, so this stands in no text.
fn asks_for_stream(request: &reqwest::Request) -> bool {
    const STREAM: &[u8] = br#""stream":true"#;
    let body = request.body().and_then(Body::as_bytes).unwrap_or_default();
    body.windows(STREAM.len()).any(|window| window == STREAM)
}

/// A stream that ends with an error where it grows too long.
fn bounded(reply: Response) -> Response {
    let mut seen = 0;
    let stream = reply.bytes_stream().map(move |chunk| {
        let chunk = chunk.map_err(std::io::Error::other)?;
        seen += chunk.len();
        if seen > MOST_REPLY { Err(std::io::Error::other("too long")) } else { Ok(chunk) }
    });
    Response::from(http::Response::new(Body::wrap_stream(stream)))
}

/// A reply in one piece, read to its end and known to be JSON. Where a stream was asked for, it stands as a stream of
/// one event, so that endpoints that do not stream are understood.
async fn whole(reply: Response, streamed: bool) -> Result<Response, Failure> {
    let body = limited(reply, MOST_REPLY).await?;
    let Ok(text) = std::str::from_utf8(&body) else { return Err(Failure::Garbled("no UTF-8")) };
    let text = text.trim();
    let Ok(json) = serde_json::from_str::<serde_json::Value>(text) else {
        return Err(Failure::Garbled(if text.starts_with('<') { "a page in place of an answer" } else { "no JSON" }));
    };
    let body = if streamed { format!("data: {json}\n\ndata: [DONE]\n\n") } else { json.to_string() };
    Ok(Response::from(http::Response::new(Body::from(body))))
}

async fn limited(reply: Response, most: usize) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    let mut stream = reply.bytes_stream();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(Failure::Broken)?;
        if body.len() + chunk.len() > most {
            return Err(Failure::Garbled("far too long"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
