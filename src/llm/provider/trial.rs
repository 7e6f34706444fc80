//! What the models of a plan are told, tried before the first run: prompts that are wrong in any cell, and conversations
//! that have no room to begin, cost nothing here and a lot later.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::config::settings::ModelConfig;
use crate::config::{ConfigError, ConfigErrors, Problem};
use crate::interface::observation::Observation;
use crate::llm::conversation::{Conversation, Overflow};
use crate::llm::deliberation::ReplySource;
use crate::llm::prompt::Prompts;
use crate::llm::provider::backend::{BackendError, BriefingOf, deliberation_setup};
use crate::llm::provider::cost::Pricing;
use crate::llm::provider::recording::PREFIX;
use crate::llm::provider::settings::Provider;
use crate::plan::Plan;

/// Sections of a configuration that a model is told of, by its prompts and by the tools that it is offered, and the
/// model's own.
const TOLD: [&str; 4] = ["simulation.", "demand.", "interface.", "model."];

/// The scenario, and the folder that replaces built-in templates.
pub(super) type PromptKey = (&'static str, Option<String>);

/// Loads the prompts of a plan and tries them in every cell that differs in what its model is told. The prompts, by
/// scenario and by the folder that replaces the built-in ones.
///
/// # Errors
/// When a prompt asks for what there is not, or a model's context has no room for a conversation.
pub(super) fn prompts(
    plan: &Plan,
    briefing_of: BriefingOf<'_>,
    providers: &BTreeMap<String, Arc<Provider>>,
    scripted: &[&str],
) -> Result<BTreeMap<PromptKey, Arc<Prompts>>, BackendError> {
    let mut loaded: BTreeMap<PromptKey, Arc<Prompts>> = BTreeMap::new();
    let mut errors = Vec::new();
    let axes = plan.axes().iter().map(|axis| axis.path);
    let axes: Vec<&str> = axes.filter(|path| TOLD.iter().any(|section| path.starts_with(section))).collect();
    for cell in plan.project(&axes) {
        let model = &cell.config.model;
        if scripted.contains(&model.name.as_str()) {
            continue;
        }
        let briefing = &briefing_of(&cell.config);
        let key = (briefing.scenario, cell.config.interface.prompts.clone());
        let prompts = match loaded.get(&key) {
            Some(prompts) => Arc::clone(prompts),
            None => Arc::new(Prompts::load(key.1.as_deref().map(Path::new), briefing.scenario_rules())?),
        };
        loaded.insert(key, Arc::clone(&prompts));
        prompts.try_on(briefing, &cell.config, &Observation::default())?;
        let source = if model.name.starts_with(PREFIX) { ReplySource::Recording } else { ReplySource::Model };
        let provider = providers.get(&model.name).map(AsRef::as_ref);
        let setup = deliberation_setup(&cell.config, briefing, provider, prompts, Pricing::unknown(), source)?;
        if let Some(problem) = no_room(model, setup.head.bytes()) {
            let error = ConfigError::at(plan.experiment().place(CONTEXT), CONTEXT, problem);
            if !errors.contains(&error) {
                errors.push(error);
            }
        }
    }
    if errors.is_empty() { Ok(loaded) } else { Err(ConfigErrors::new(errors).into()) }
}

const CONTEXT: &str = "model.context_length";

/// Why a conversation cannot begin, if so. `head_bytes` are the system prompt's and the tools'.
fn no_room(model: &ModelConfig, head_bytes: usize) -> Option<Problem> {
    let (context, reply) = (model.context_length, model.max_tokens_per_call);
    if context <= reply {
        return Some(Problem::Other(format!(
            "{context} tokens leave no room for a request beside a reply, which may have model.max_tokens_per_call = \
             {reply} (expected a larger model.context_length, or a smaller model.max_tokens_per_call)"
        )));
    }
    let mut conversation = Conversation::new(head_bytes, u64::from(context), u64::from(reply));
    let Err(Overflow { tokens, room }) = conversation.fit() else { return None };
    Some(Problem::Other(format!(
        "{context} tokens less model.max_tokens_per_call = {reply} leave room for {room}, and the system prompt and the \
         tools of {} alone are taken for {tokens} (expected a larger model.context_length, a smaller \
         model.max_tokens_per_call, or shorter prompts)",
        model.name
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_needs_room_for_its_beginning() {
        let experiment = crate::config::from_settings(&["experiment.name=x".to_owned()]).unwrap();
        let mut model = Plan::new(experiment).unwrap().run(0).config.model;
        (model.context_length, model.max_tokens_per_call) = (500, 500);
        let told = |model: &ModelConfig, bytes| no_room(model, bytes).map(|problem| problem.to_string());
        assert!(told(&model, 0).unwrap().starts_with("500 tokens leave no room for a request beside a reply"));
        model.context_length = 850;
        // 1,000 bytes are taken for 350 tokens.
        assert_eq!(told(&model, 1000), None);
        assert!(told(&model, 1001).unwrap().contains("leave room for 350, and"), "{:?}", told(&model, 1001));
    }
}
