//! What calls of a language model cost, in US dollars, and on whose word.
//!
//! Called by whoever keeps the account of a run. Prices come from, first to last:
//!
//! 1. what the provider says that a call was charged (`provider_reported`);
//! 2. what the user says (`override`): the command line, the file of prices, the entry of `providers`;
//! 3. the list of models of the provider (`models_api`);
//! 4. nowhere (`unknown`): then a cost is not known, which is not zero.
//!
//! Tokens that go into the provider's cache or come out of it have their own price where one is given, and otherwise
//! that of all other tokens of requests.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::decision::Usage;
use crate::config::prices::{PriceList, Prices};
use crate::config::{ConfigError, ConfigErrors, Problem};
use crate::llm::provider::lenient::{List, Number, Object, Text, object};
use crate::plan::Plan;

/// Tokens that a price is for.
const MTOK: f64 = 1e6;

/// On whose word a cost is what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PricingSource {
    /// The provider's, for this call.
    ProviderReported,
    /// The provider's list of models.
    ModelsApi,
    /// The user's.
    Override,
    /// Nobody's.
    Unknown,
}

/// Where the prices of a model may come from.
#[derive(Clone, Copy, Debug, Default)]
pub struct PriceSources<'a> {
    /// `--prompt-price-per-mtok` and `--completion-price-per-mtok`, for all models: see [`flag_prices`].
    pub flags: Option<Prices>,
    /// `--pricing-file`.
    pub file: Option<&'a PriceList>,
    /// The entry of `providers`.
    pub entry: Option<Prices>,
    /// The provider's list of models: see [`models_api`].
    pub models_api: Option<Prices>,
}

/// What the tokens of a model cost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pricing {
    prices: Option<Prices>,
    source: PricingSource,
}

impl Pricing {
    /// Prices that nobody knows.
    #[must_use]
    pub fn unknown() -> Pricing {
        Pricing { prices: None, source: PricingSource::Unknown }
    }

    /// The prices of a model from the first source that has some.
    #[must_use]
    pub fn of(model: &str, sources: &PriceSources<'_>) -> Pricing {
        let said = sources.flags.or_else(|| sources.file?.prices_of(model)).or(sources.entry);
        match (said, sources.models_api) {
            (Some(prices), _) => Pricing { prices: Some(prices), source: PricingSource::Override },
            (None, Some(prices)) => Pricing { prices: Some(prices), source: PricingSource::ModelsApi },
            (None, None) => Pricing { prices: None, source: PricingSource::Unknown },
        }
    }

    /// The prices; `None` when they are unknown.
    #[must_use]
    pub fn prices(&self) -> Option<Prices> {
        self.prices
    }

    /// Where they come from. A call for which the provider reports a cost has another source.
    #[must_use]
    pub fn source(&self) -> PricingSource {
        self.source
    }

    /// What a call cost, in US dollars, and on whose word; `None` when prices or tokens are unknown. `reported` is what
    /// the provider says that it was charged.
    #[must_use]
    pub fn cost(&self, usage: &Usage, reported: Option<f64>) -> Option<(f64, PricingSource)> {
        if let Some(cost) = reported.filter(|cost| cost.is_finite() && *cost >= 0.0) {
            return Some((cost, PricingSource::ProviderReported));
        }
        let prices = self.prices?;
        let (input, output) = (usage.input_tokens?, usage.output_tokens?);
        let read = usage.cache_read_tokens.unwrap_or(0).min(input);
        let written = usage.cache_write_tokens.unwrap_or(0).min(input - read);
        let dollars = (input - read - written) as f64 * prices.prompt
            + read as f64 * prices.cache_read.unwrap_or(prices.prompt)
            + written as f64 * prices.cache_write.unwrap_or(prices.prompt)
            + output as f64 * prices.completion;
        Some((dollars / MTOK, self.source))
    }

    /// The most that a call can cost, in US dollars, before it is made: with a whole reply, and no token out of the
    /// cache. `None` when prices are unknown.
    #[must_use]
    pub fn most(&self, input_tokens: u64, max_tokens: u64) -> Option<f64> {
        let prices = self.prices?;
        let input = prices.cache_write.map_or(prices.prompt, |price| price.max(prices.prompt));
        Some((input_tokens as f64 * input + max_tokens as f64 * prices.completion) / MTOK)
    }
}

/// A cost as records have it: rounded to nine decimals.
#[must_use]
pub fn rounded(dollars: f64) -> f64 {
    (dollars * 1e9).round() / 1e9
}

/// The prices of `--prompt-price-per-mtok` and `--completion-price-per-mtok`, in US dollars for a million tokens.
///
/// # Errors
/// When only one is given, or one is no price; what to do about it.
pub fn flag_prices(prompt: Option<f64>, completion: Option<f64>) -> Result<Option<Prices>, String> {
    const FLAGS: [&str; 2] = ["--prompt-price-per-mtok", "--completion-price-per-mtok"];
    for (flag, price) in FLAGS.into_iter().zip([prompt, completion]) {
        if price.is_some_and(|price| !(0.0..=1e6).contains(&price)) {
            return Err(format!("{flag}: this is no price (expected a number from 0 to 1000000)"));
        }
    }
    match (prompt, completion) {
        (None, None) => Ok(None),
        (Some(prompt), Some(completion)) => {
            Ok(Some(Prices { prompt, completion, cache_read: None, cache_write: None }))
        }
        _ => Err(format!("{} and {} go together: give both, or none", FLAGS[0], FLAGS[1])),
    }
}

/// The prices in a list of models (`GET {base_url}/models`) as OpenRouter gives them: texts, in US dollars for one
/// token. Models without prices, and those whose price varies, are left out.
///
/// # Errors
/// When the body is no such list.
pub fn models_api(body: &str) -> Result<BTreeMap<String, Prices>, String> {
    #[derive(Deserialize)]
    struct Listing {
        data: List<Model>,
    }
    #[derive(Deserialize)]
    struct Model {
        #[serde(default)]
        id: Text,
        #[serde(default)]
        pricing: Object<Listed>,
    }
    #[derive(Deserialize)]
    struct Listed {
        #[serde(default)]
        prompt: Number,
        #[serde(default)]
        completion: Number,
        #[serde(default)]
        input_cache_read: Number,
        #[serde(default)]
        input_cache_write: Number,
    }
    // Nine decimals are more than any price has; the product has some that mean nothing.
    let price = |Number(a_token): Number| a_token.filter(|price| *price >= 0.0).map(|price| rounded(price * MTOK));
    let listing: Option<Listing> = object(body).map_err(|error| format!("this is no list of models: {error}"))?;
    let Listing { data: List(models) } = listing.ok_or("this is no list of models: it is not an object")?;
    let priced = models.into_iter().filter_map(|model| {
        let listed = model.pricing.0?;
        let prices = Prices {
            prompt: price(listed.prompt)?,
            completion: price(listed.completion)?,
            cache_read: price(listed.input_cache_read),
            cache_write: price(listed.input_cache_write),
        };
        Some((model.id.filled()?, prices))
    });
    Ok(priced.collect())
}

/// Checks that what is limited in US dollars has known prices. `is_priced` says so of an agent, by its name; scripted
/// agents cost nothing, which is known.
///
/// # Errors
/// One item for each agent without prices that a limit concerns.
pub fn check_cost_limits(plan: &Plan, is_priced: impl Fn(&str) -> bool) -> Result<(), ConfigErrors> {
    let experiment = plan.experiment();
    let mut items: Vec<ConfigError> = Vec::new();
    for cell in plan.project(&["model.name", "limits.run_cost"]) {
        let name = &cell.config.model.name;
        let limits = [("limits.cost", experiment.limits().cost), ("limits.run_cost", cell.config.limits.run_cost)];
        for (path, _) in limits.into_iter().filter(|(_, limit)| limit.is_some() && !is_priced(name)) {
            let message = format!(
                "what {} costs is not known, so its cost cannot be limited (give its prices by \
                 --prompt-price-per-mtok and --completion-price-per-mtok, by --pricing-file or under providers, or \
                 leave the limit out)",
                crate::config::shown(name)
            );
            let error = ConfigError::at(experiment.place(path), path, Problem::Other(message));
            if !items.contains(&error) {
                items.push(error);
            }
        }
    }
    if items.is_empty() { Ok(()) } else { Err(ConfigErrors { items }) }
}

#[cfg(test)]
mod tests;
