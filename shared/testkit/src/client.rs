//! The HTTP interface as calls. Law: what the server said is kept as it came, so that tests can look at all of it.

use anyhow::{Context, Result, ensure};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::wait;

/// A client of one origin.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    origin: String,
    key: Option<String>,
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: reqwest::header::HeaderMap,
    /// The body as text.
    pub text: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.text).with_context(|| format!("no JSON: {}", self.text))
    }

    /// The body as JSON, of a 2xx answer.
    pub fn ok(&self) -> Result<Value> {
        ensure!(self.status.is_success(), "{}: {}", self.status, self.text);
        self.json()
    }

    /// The error code in the body.
    pub fn code(&self) -> Result<String> {
        let body = self.json()?;
        Ok(body["detail"]["code"].as_str().with_context(|| format!("no code: {body}"))?.to_owned())
    }

    /// A header as text, empty if it is not there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl Client {
    /// Of `host:port`.
    pub fn new(address: &str) -> Result<Self> {
        // Whatever else is built in may have brought TLS along, which asks for a provider even where it is not used.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().timeout(wait::LIMIT).no_proxy().build()?;
        Ok(Self { http, origin: format!("http://{address}"), key: None })
    }

    /// The same with an API key.
    #[must_use]
    pub fn with_key(&self, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..self.clone() }
    }

    /// A request that can be changed before it is sent.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.origin));
        match &self.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }

    /// Sends a request.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Result<Answer> {
        let answer = request.send().await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        Ok(Answer { status, headers, text: answer.text().await? })
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Result<Answer> {
        self.send(self.request(Method::GET, path)).await
    }

    /// POST of a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// PATCH of a JSON body.
    pub async fn patch(&self, path: &str, body: &Value) -> Result<Answer> {
        self.send(self.request(Method::PATCH, path).json(body)).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Result<Answer> {
        self.send(self.request(Method::DELETE, path)).await
    }

    /// Posts messages `(user, content)` to a conversation.
    pub async fn say(&self, conversation: &str, messages: &[(&str, &str)]) -> Result<Value> {
        let messages: Vec<Value> =
            messages.iter().map(|(user, content)| json!({"user_id": user, "content": content})).collect();
        let user = messages.first().map(|m| m["user_id"].clone()).context("no messages")?;
        let body = json!({"conversation_id": conversation, "user_id": user, "messages": messages});
        self.post("/chats", &body).await?.ok()
    }

    /// All messages of a conversation in order of time, by cursor.
    pub async fn history(&self, conversation: &str) -> Result<Vec<Value>> {
        let path = format!("/chats/{}?limit=500", encode(conversation));
        let mut page = self.get(&path).await?.ok()?;
        let mut messages = Vec::new();
        loop {
            let list = page["messages"].as_array().context("no messages")?;
            messages.extend(list.iter().cloned());
            let Some(cursor) = page["next_cursor"].as_str() else { return Ok(messages) };
            page = self.get(&format!("{path}&cursor={cursor}")).await?.ok()?;
        }
    }

    /// The newest stored summary once it covers every message.
    pub async fn settled_summary(&self, conversation: &str) -> Result<Value> {
        let path = format!("/chats/{}/summary", encode(conversation));
        wait::until("a summary of all messages", || async {
            let answer = self.get(&path).await?;
            if answer.status == StatusCode::NOT_FOUND {
                return Ok(None);
            }
            let summary = answer.ok()?;
            Ok((summary["stale_messages"] == 0).then_some(summary))
        })
        .await
    }
}

/// A text as one path segment.
#[must_use]
pub fn encode(segment: &str) -> String {
    let mut encoded = String::new();
    for byte in segment.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            for digit in [byte >> 4, byte & 15] {
                encoded.push(char::from(b"0123456789ABCDEF"[usize::from(digit)]));
            }
        }
    }
    encoded
}
