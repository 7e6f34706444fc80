//! What the agent of a run is made of: its prompts, and the tools as a model is told of them.

use std::sync::Arc;

use serde_json::Value;

use crate::base::card::PREDICTION;
use crate::config::settings::{ReplyFormat, RunConfig};
use crate::interface::card_rule::card_schema;
use crate::interface::observation::Briefing;
use crate::llm::deliberation::{ReplySource, Setup};
use crate::llm::prompt::{PromptError, Prompts};
use crate::llm::provider::cost::Pricing;
use crate::llm::provider::dialect::{Dialect, Head, ToolSpec};
use crate::llm::provider::settings::Provider;

/// What a deliberation is made of, for a model at a provider or for a recording.
pub(crate) fn deliberation_setup(
    config: &RunConfig,
    briefing: &Briefing,
    provider: Option<&Provider>,
    prompts: Arc<Prompts>,
    pricing: Pricing,
    source: ReplySource,
) -> Result<Setup, PromptError> {
    let format = match source {
        ReplySource::Model => config.interface.reply_format,
        ReplySource::Recording => ReplyFormat::Text,
    };
    let system = prompts.system(briefing, format)?;
    let tools = match format {
        ReplyFormat::Text => Vec::new(),
        ReplyFormat::ToolCalls => tool_specs(briefing),
    };
    let (dialect, head) = match provider {
        Some(provider) => (provider.dialect(), provider.head(&config.model, &system, &tools)),
        // Nobody reads what a recording is asked.
        None => (Dialect::OpenAiChat, Head::empty()),
    };
    Ok(Setup { prompts, dialect, head, pricing, format, source })
}

/// The tools as a model is told of them: with the prediction card among their arguments.
fn tool_specs(briefing: &Briefing) -> Vec<ToolSpec> {
    let card = card_schema(&briefing.cards);
    let specs = briefing.tools.iter().map(|tool| {
        let mut schema = Value::clone(&tool.arguments);
        if let Some(object) = schema.as_object_mut() {
            object.remove("$schema");
            object.remove("title");
            let properties = object.entry("properties").or_insert_with(|| Value::Object(serde_json::Map::new()));
            if let Some(properties) = properties.as_object_mut() {
                properties.insert(PREDICTION.to_owned(), card.clone());
            }
            if briefing.cards.demands_card() {
                let required = object.entry("required").or_insert_with(|| Value::Array(Vec::new()));
                if let Some(required) = required.as_array_mut() {
                    required.push(PREDICTION.into());
                }
            }
        }
        ToolSpec { name: tool.name.clone(), description: tool.description.to_string(), schema }
    });
    specs.collect()
}
