//! What async-openai asks about an endpoint, answered from settings, so that it never looks at the environment.

use async_openai::config::Config;
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use secrecy::SecretString;

use super::config::Secret;

/// An address with the headers and query that every call needs.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    base: String,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    /// Asked for by the trait; the header above is what is sent.
    nothing: SecretString,
}

impl Endpoint {
    /// An address may carry a query, as Azure's `?api-version=…` does.
    pub(super) fn new(address: &str, key: Option<&Secret>) -> Option<Self> {
        let mut url = Url::parse(address).ok()?;
        let query = url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        url.set_query(None);
        let mut headers = HeaderMap::new();
        if let Some(key) = key {
            if !key.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
                return None;
            }
            headers.insert(AUTHORIZATION, secret(&format!("Bearer {}", key.expose()))?);
            // Azure takes its keys under a name of its own.
            if url.host_str().is_some_and(|host| host.ends_with(".azure.com")) {
                headers.insert(HeaderName::from_static("api-key"), secret(key.expose())?);
            }
        }
        let base = url.as_str().trim_end_matches('/').to_owned();
        Some(Self { base, query, headers, nothing: SecretString::default() })
    }
}

fn secret(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

impl Config for Endpoint {
    fn headers(&self) -> HeaderMap {
        self.headers.clone()
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn query(&self) -> Vec<(&str, &str)> {
        self.query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    fn api_base(&self) -> &str {
        &self.base
    }

    fn api_key(&self) -> &SecretString {
        &self.nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_with_and_without_a_slash_and_with_a_query() {
        for address in ["http://localhost:11434/v1", "http://localhost:11434/v1/"] {
            let endpoint = Endpoint::new(address, None).unwrap();
            assert_eq!(endpoint.url("/chat/completions"), "http://localhost:11434/v1/chat/completions");
            assert!(endpoint.headers().is_empty());
        }
        let azure = "https://x.openai.azure.com/openai/deployments/d?api-version=2024-10-21";
        let endpoint = Endpoint::new(azure, Some(&Secret::new("k"))).unwrap();
        assert_eq!(
            endpoint.url("/chat/completions"),
            "https://x.openai.azure.com/openai/deployments/d/chat/completions"
        );
        assert_eq!(endpoint.query(), [("api-version", "2024-10-21")]);
        assert_eq!(endpoint.headers().get("api-key").unwrap(), "k");
        assert!(!format!("{endpoint:?}").contains("Bearer k"), "headers of keys are marked as secret");
        assert!(Endpoint::new(azure, Some(&Secret::new("two words"))).is_none());
    }
}
