//! The flags of `run` that concern language models: what may be spent, and what things cost.

use std::path::PathBuf;

use clap::Args;

use super::CliError;
use crate::config::prices::load_prices;
use crate::llm::provider::backend::PriceOptions;
use crate::llm::provider::cost::flag_prices;

/// Limits and prices.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Language models")]
pub struct ModelArgs {
    /// Tokens that all runs together may use (limits.tokens)
    #[arg(long, value_name = "N")]
    pub token_limit: Option<u64>,

    /// US dollars that all runs together may cost (limits.cost); every model then needs a known price
    #[arg(long, value_name = "USD")]
    pub cost_limit: Option<f64>,

    /// Seconds that all runs together may take, those of programs too; anew with each --resume (limits.time_s)
    #[arg(long, value_name = "SECONDS")]
    pub time_limit: Option<f64>,

    /// Tokens that one run may use (limits.run_tokens)
    #[arg(long, value_name = "N")]
    pub run_token_limit: Option<u64>,

    /// US dollars that one run may cost (limits.run_cost)
    #[arg(long, value_name = "USD")]
    pub run_cost_limit: Option<f64>,

    /// Seconds that one run may take, also a program's; what it took before a --resume counts (limits.run_time_s)
    #[arg(long, value_name = "SECONDS")]
    pub run_time_limit: Option<f64>,

    /// US dollars for a million tokens of requests, for all models
    #[arg(long, value_name = "USD", requires = "completion_price_per_mtok")]
    pub prompt_price_per_mtok: Option<f64>,

    /// US dollars for a million tokens of replies, for all models
    #[arg(long, value_name = "USD", requires = "prompt_price_per_mtok")]
    pub completion_price_per_mtok: Option<f64>,

    /// File (YAML) of prices by patterns of model names
    #[arg(long, value_name = "FILE")]
    pub pricing_file: Option<PathBuf>,

    /// Run although a pin of the configuration does not hold; the manifest says so
    #[arg(long)]
    pub allow_unpinned: bool,
}

impl ModelArgs {
    /// The limits as settings, `path=value`.
    #[must_use]
    pub fn settings(&self) -> Vec<String> {
        let whole = |number: Option<u64>| number.map(|number| number.to_string());
        let real = |number: Option<f64>| number.map(|number| number.to_string());
        let limits = [
            ("limits.tokens", whole(self.token_limit)),
            ("limits.cost", real(self.cost_limit)),
            ("limits.time_s", real(self.time_limit)),
            ("limits.run_tokens", whole(self.run_token_limit)),
            ("limits.run_cost", real(self.run_cost_limit)),
            ("limits.run_time_s", real(self.run_time_limit)),
        ];
        limits.into_iter().filter_map(|(path, value)| Some(format!("{path}={}", value?))).collect()
    }

    /// What the command line says of prices.
    ///
    /// # Errors
    /// When a price is none, or the file cannot be used.
    pub fn prices(&self) -> Result<PriceOptions, CliError> {
        let flags = flag_prices(self.prompt_price_per_mtok, self.completion_price_per_mtok).map_err(CliError::Flag)?;
        let file = self.pricing_file.as_deref().map(load_prices).transpose()?;
        Ok(PriceOptions { flags, file })
    }
}
