//! How the model is used: limits of time, of calls and of money. Law: what cannot hold is refused at the start.

use std::time::Duration;

use clap::Args;
use compact_str::CompactString;
use shared::config::duration;
use shared::domain::{Spend, SpendCap, Usage};
use shared_insights::Sensitive;
use thiserror::Error;

/// Settings of the model engine, beside those of its endpoint.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct ModelConfig {
    /// The most time for one try of one call
    #[arg(long, env = "LLM_TIMEOUT", default_value = "20s", value_parser = duration)]
    pub llm_timeout: Duration,
    /// The most time for one call with all its tries; then the local engine answers
    #[arg(long, env = "LLM_DEADLINE", default_value = "25s", value_parser = duration)]
    pub llm_deadline: Duration,
    /// The most tries of one call; over time, tries are also kept below 1.2 for each call
    #[arg(long, env = "LLM_TRIES", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=10))]
    pub llm_tries: u32,
    /// The longest time that an endpoint's `Retry-After` is believed
    #[arg(long, env = "LLM_RETRY_AFTER_MAX", default_value = "60s", value_parser = duration)]
    pub llm_retry_after_max: Duration,
    /// How many calls are under way at the same time
    #[arg(long, env = "LLM_CONCURRENCY", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub llm_concurrency: u16,
    /// The most tokens in a minute; none = no limit
    #[arg(long, env = "LLM_TOKENS_PER_MINUTE", value_parser = clap::value_parser!(u64).range(1..))]
    pub llm_tokens_per_minute: Option<u64>,
    /// Tokens that a call may have, question and answer together; longer texts are cut into more calls
    #[arg(long, env = "LLM_CONTEXT_TOKENS", default_value_t = 8_000, value_parser = clap::value_parser!(u32).range(2_000..))]
    pub llm_context_tokens: u32,
    /// Tokens that an answer may have; models that think before they answer need more
    #[arg(long, env = "LLM_MAX_OUTPUT_TOKENS", default_value_t = 1_200, value_parser = clap::value_parser!(u32).range(200..))]
    pub llm_max_output_tokens: u32,
    /// The most tokens for each tenant and UTC day; none = no limit
    #[arg(long, env = "LLM_DAILY_TOKEN_CAP")]
    pub llm_daily_token_cap: Option<u64>,
    /// The most money for each tenant and UTC day, in the currency of `LLM_PRICES`; none = no limit
    #[arg(long, env = "LLM_DAILY_COST_CAP", value_parser = money)]
    pub llm_daily_cost_cap: Option<Micros>,
    /// Prices of a million tokens, question/answer: `gpt-4o-mini=0.15/0.60,other=1/2`
    #[arg(long, env = "LLM_PRICES", value_delimiter = ',', value_parser = price)]
    pub llm_prices: Vec<Price>,
    /// How often summaries that the local engine wrote for the model are tried again
    #[arg(long, env = "LLM_REDO_INTERVAL", default_value = "1m", value_parser = duration)]
    pub llm_redo_interval: Duration,
    /// A summary that nobody asked for waits until about so many tokens of text are new; 0 = it does not wait
    #[arg(long, env = "LLM_MIN_NEW_TOKENS", default_value_t = 1_500)]
    pub llm_min_new_tokens: u64,
    /// With less new text than that, a summary is made after a silence of this length
    #[arg(long, env = "LLM_IDLE", default_value = "1m", value_parser = duration)]
    pub llm_idle: Duration,
    /// With less new text than that, a summary is made when the first of it is as old as this
    #[arg(long, env = "LLM_MAX_WAIT", default_value = "5m", value_parser = duration)]
    pub llm_max_wait: Duration,
    /// Values that no model sees, with commas: email, phone, card, iban, secret. Placeholders stand for them in what a
    /// model is asked, and the values again in what is shown; none = nothing is kept from it
    #[arg(long, env = "REDACT", value_delimiter = ',', value_parser = sensitive)]
    pub redact: Vec<Sensitive>,
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self {
            llm_timeout: Duration::from_secs(20),
            llm_deadline: Duration::from_secs(25),
            llm_tries: 4,
            llm_retry_after_max: Duration::from_mins(1),
            llm_concurrency: 4,
            llm_tokens_per_minute: None,
            llm_context_tokens: 8_000,
            llm_max_output_tokens: 1_200,
            llm_daily_token_cap: None,
            llm_daily_cost_cap: None,
            llm_prices: Vec::new(),
            llm_redo_interval: Duration::from_mins(1),
            llm_min_new_tokens: 1_500,
            llm_idle: Duration::from_mins(1),
            llm_max_wait: Duration::from_mins(5),
            redact: Vec::new(),
        }
    }
}

/// Millionths of a currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Micros(pub u64);

/// What a model's tokens cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// Which model.
    pub model: CompactString,
    /// A million tokens sent.
    pub input: Micros,
    /// A million tokens written.
    pub output: Micros,
}

impl Price {
    /// What a call costs, rounded up.
    #[must_use]
    pub fn of(&self, usage: Usage) -> Micros {
        let side = |tokens: u64, price: Micros| u128::from(tokens) * u128::from(price.0);
        let whole = side(usage.tokens_in, self.input) + side(usage.tokens_out, self.output);
        Micros(u64::try_from(whole.div_ceil(1_000_000)).unwrap_or(u64::MAX))
    }
}

/// Settings that cannot hold together.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ModelConfigError {
    /// A cap in money needs a price.
    #[error("LLM_DAILY_COST_CAP needs the price of {0} in LLM_PRICES, such as {0}=0.15/0.60")]
    NoPrice(CompactString),
    /// An answer does not fit.
    #[error("LLM_MAX_OUTPUT_TOKENS must be at most half of LLM_CONTEXT_TOKENS")]
    NoRoom,
}

impl ModelConfig {
    /// The price of a model, and whether the settings hold together for it.
    pub fn price(&self, model: &str) -> Result<Option<Price>, ModelConfigError> {
        if self.llm_max_output_tokens > self.llm_context_tokens / 2 {
            return Err(ModelConfigError::NoRoom);
        }
        let price = self.llm_prices.iter().find(|price| price.model == model).cloned();
        if price.is_none() && self.llm_daily_cost_cap.is_some() {
            return Err(ModelConfigError::NoPrice(model.into()));
        }
        Ok(price)
    }

    /// The caps of a tenant's day.
    #[must_use]
    pub fn cap(&self) -> SpendCap {
        SpendCap { tokens: self.llm_daily_token_cap, micros: self.llm_daily_cost_cap.map(|cap| cap.0) }
    }
}

/// Tokens and money of a call.
pub(crate) fn spend(usage: Usage, price: Option<&Price>) -> Spend {
    Spend {
        tokens: usage.tokens_in.saturating_add(usage.tokens_out),
        micros: price.map_or(0, |price| price.of(usage).0),
    }
}

fn sensitive(text: &str) -> Result<Sensitive, String> {
    let found = Sensitive::ALL.into_iter().find(|kind| kind.as_str() == text.trim().to_ascii_lowercase());
    found.ok_or_else(|| "must be some of email, phone, card, iban, secret, with commas".to_owned())
}

fn money(text: &str) -> Result<Micros, String> {
    let wrong = || "must be an amount such as 5 or 0.15".to_owned();
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(fraction) || fraction.len() > 6 {
        return Err(wrong());
    }
    let units: u64 = whole.parse().map_err(|_| wrong())?;
    let micros: u64 = format!("{fraction:0<6}").parse().map_err(|_| wrong())?;
    units.checked_mul(1_000_000).and_then(|units| units.checked_add(micros)).map(Micros).ok_or_else(wrong)
}

fn price(text: &str) -> Result<Price, String> {
    let wrong = || "must be model=question/answer for a million tokens, such as gpt-4o-mini=0.15/0.60".to_owned();
    let (model, prices) = text.trim().rsplit_once('=').ok_or_else(wrong)?;
    let (input, output) = prices.split_once('/').ok_or_else(wrong)?;
    if model.trim().is_empty() {
        return Err(wrong());
    }
    Ok(Price {
        model: model.trim().into(),
        input: money(input).map_err(|_| wrong())?,
        output: money(output).map_err(|_| wrong())?,
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        model: ModelConfig,
    }

    #[test]
    fn the_flags_default_to_what_the_struct_defaults_to() {
        assert_eq!(Cli::parse_from(["recap"]).model, ModelConfig::default());
    }

    #[test]
    fn prices_are_exact_and_rounded_up() {
        let cli =
            Cli::parse_from(["recap", "--llm-prices", "a/b=0.15/0.60,x=1/2", "--llm-daily-cost-cap", "5.5"]).model;
        let price = cli.price("a/b").unwrap().unwrap();
        assert_eq!(price.of(Usage { tokens_in: 1_000_000, tokens_out: 1_000_000 }), Micros(750_000));
        assert_eq!(price.of(Usage { tokens_in: 1, tokens_out: 0 }), Micros(1));
        assert_eq!(cli.cap().micros, Some(5_500_000));
        assert_eq!(spend(Usage { tokens_in: 2, tokens_out: 3 }, None), Spend { tokens: 5, micros: 0 });
    }

    #[test]
    fn values_to_keep_back_are_named() {
        let cli = Cli::parse_from(["recap", "--redact", "email, CARD"]).model;
        assert_eq!(cli.redact, [Sensitive::Email, Sensitive::Card]);
    }

    #[test]
    fn what_cannot_hold_is_refused_at_the_start() {
        for arg in [
            "--llm-prices=x",
            "--llm-prices=x=1",
            "--llm-prices==1/2",
            "--llm-daily-cost-cap=-1",
            "--llm-daily-cost-cap=1e9",
            "--llm-tries=0",
            "--redact=mail",
            "--redact=email,,card",
        ] {
            assert!(Cli::try_parse_from(["recap", arg]).is_err(), "{arg}");
        }
        let config = ModelConfig { llm_daily_cost_cap: Some(Micros(1)), ..ModelConfig::default() };
        assert_eq!(config.price("m"), Err(ModelConfigError::NoPrice("m".into())));
        let config = ModelConfig { llm_max_output_tokens: 5_000, ..ModelConfig::default() };
        assert_eq!(config.price("m"), Err(ModelConfigError::NoRoom));
    }
}
