//! Where the model is. Law: all of it comes from settings; nothing else of the environment is read.

use std::fmt;
use std::time::Duration;

use clap::Args;
use shared::config::duration;

/// The model's endpoint.
#[derive(Debug, Clone, Args)]
pub struct OpenAiSettings {
    /// Key of an OpenAI-compatible endpoint; with it, summaries are written by a model
    #[arg(long, env = "OPENAI_API_KEY", hide_env_values = true, value_parser = secret)]
    pub openai_api_key: Option<Secret>,
    /// Address of an OpenAI-compatible endpoint, such as `http://localhost:11434/v1`; alone it is enough for one that
    /// wants no key [default: `https://api.openai.com/v1`]
    #[arg(long, env = "OPENAI_BASE_URL", hide_env_values = true, value_parser = base_url)]
    pub openai_base_url: Option<String>,
    /// The model that writes summaries
    #[arg(long, env = "OPENAI_MODEL", default_value = "gpt-4o-mini", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub openai_model: String,
    /// The most time to get a connection to the endpoint
    #[arg(long, env = "OPENAI_CONNECT_TIMEOUT", default_value = "10s", value_parser = duration)]
    pub openai_connect_timeout: Duration,
}

/// Where `OpenAI` itself is.
pub const OPENAI: &str = "https://api.openai.com/v1";

impl OpenAiSettings {
    /// Whether a model is wanted at all.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.key().is_some() || self.openai_base_url.as_ref().is_some_and(|url| !url.is_empty())
    }

    /// The key, unless it is empty, as in a line of `.env` that was not filled in.
    #[must_use]
    pub fn key(&self) -> Option<&Secret> {
        self.openai_api_key.as_ref().filter(|key| !key.expose().is_empty())
    }

    /// The address.
    #[must_use]
    pub fn base_url(&self) -> &str {
        self.openai_base_url.as_deref().filter(|url| !url.is_empty()).unwrap_or(OPENAI)
    }
}

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one who sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Takes any text, as a complaint would show it; whether it can be a key is found out by its user.
#[expect(clippy::unnecessary_wraps, reason = "what clap calls")]
fn secret(text: &str) -> Result<Secret, std::convert::Infallible> {
    Ok(Secret::new(text.trim()))
}

fn base_url(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Ok(String::new());
    }
    let wrong = || "must be an address such as https://api.openai.com/v1 or http://localhost:11434/v1".to_owned();
    let url = reqwest::Url::parse(text.trim()).map_err(|_| wrong())?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() || url.fragment().is_some() {
        return Err(wrong());
    }
    Ok(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        model: OpenAiSettings,
    }

    #[test]
    fn without_key_and_address_no_model_is_wanted() {
        let settings = Cli::parse_from(["recap"]).model;
        assert!(!settings.is_set());
        assert_eq!(settings.base_url(), OPENAI);
        assert!(!Cli::parse_from(["recap", "--openai-api-key=", "--openai-base-url="]).model.is_set());
        assert!(Cli::parse_from(["recap", "--openai-base-url", "http://localhost:11434/v1"]).model.is_set());
    }

    #[test]
    fn a_key_is_never_shown() {
        let cli = Cli::parse_from(["recap", "--openai-api-key", "sk-1234"]);
        assert!(cli.model.is_set());
        assert!(!format!("{cli:?}").contains("1234"));
    }

    #[test]
    fn what_cannot_be_a_key_or_an_address_is_refused_at_the_start() {
        for arg in ["--openai-base-url=localhost", "--openai-base-url=ftp://x/", "--openai-model="] {
            assert!(Cli::try_parse_from(["recap", arg]).is_err(), "{arg}");
        }
    }
}
