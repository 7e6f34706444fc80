//! Whether there is an agent for every cell of a plan. Called by `run` before its first run; `plan` lists every
//! valid cell, whoever could run it.
//!
//! Which agents there are is told by the caller, so that this module knows none.

use super::Plan;
use crate::config::{ConfigError, ConfigErrors, Problem, nearest, shown};

/// Most refusals that are listed.
const LISTED: usize = 10;

const NAME: &str = "model.name";

/// Checks that every cell names an agent that there is.
///
/// # Errors
/// One item per name without an agent, with the number of runs concerned.
pub fn check_agents(plan: &Plan, agents: &[&str]) -> Result<(), ConfigErrors> {
    check_names(plan, |name| (!agents.contains(&name)).then(|| refusal(name, agents)))
}

/// Checks every value of `model.name` by what `refusal` has to say against it.
///
/// # Errors
/// One item per name that is refused, with the number of runs concerned.
pub fn check_names(plan: &Plan, mut refusal: impl FnMut(&str) -> Option<String>) -> Result<(), ConfigErrors> {
    let cells = plan.project(&[NAME]);
    let (runs, of) = (plan.len() / cells.len(), plan.len());
    let refused = cells.filter_map(|cell| refusal(&cell.config.model.name));
    let mut items: Vec<ConfigError> = refused
        .map(|message| {
            let message = format!("{message} ({runs} of {of} runs)");
            ConfigError::at(plan.experiment.place(NAME), NAME, Problem::Other(message))
        })
        .collect();
    if items.is_empty() {
        return Ok(());
    }
    let more = items.len().saturating_sub(LISTED);
    items.truncate(LISTED);
    if more > 0 {
        items.push(ConfigError::about(plan.experiment.file.clone(), format!("… and {more} more unknown agents")));
    }
    Err(ConfigErrors { items })
}

fn refusal(name: &str, agents: &[&str]) -> String {
    let (asked, possible) = (shown(name), agents.join(", "));
    match nearest(name, agents.iter().copied()) {
        Some(near) => format!("there is no agent {asked} (did you mean {near}?); use {possible}"),
        None if looks_like_language_model(name) => {
            format!("{asked} looks like a language model, and language models are not built in yet; use {possible}")
        }
        None => format!("there is no agent {asked}, and language models are not built in yet; use {possible}"),
    }
}

/// Names such as `Qwen/Qwen3-32B`, `gpt-4o`, `llama-3.1-8b`, `mistral:7b`.
fn looks_like_language_model(name: &str) -> bool {
    name.contains(['/', ':']) || name.bytes().any(|byte| byte.is_ascii_digit())
}
