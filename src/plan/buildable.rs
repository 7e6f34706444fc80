//! Which cells of a plan this version cannot run yet. Called by `run` before its first run; `plan` lists every
//! valid cell, built or not.
//!
//! What is built is told by the caller, so that this module knows no shock, tool or agent.

use std::collections::BTreeMap;

use super::{Cell, Plan, cell_name};
use crate::config::settings::{MemoryTools, Observability, RecoveryTools, RunConfig, TypeMix};
use crate::config::{ConfigError, ConfigErrors, Problem, nearest};

/// Most refusals that are listed.
const LISTED: usize = 10;

/// What this version can run.
#[derive(Clone, Copy, Debug)]
pub struct Built<'a> {
    /// Shock families: `temporal`, `quantity`, `causal`, `rule`.
    pub families: &'a [&'a str],
    /// What agents can be told of shocks.
    pub observability: &'a [Observability],
    /// Scratchpad tools.
    pub memory: &'a [MemoryTools],
    /// Recovery tools.
    pub recovery: &'a [RecoveryTools],
    /// Names of agents.
    pub agents: &'a [&'a str],
}

/// The families of shocks that a mix draws.
#[must_use]
pub fn families_of(mix: TypeMix) -> &'static [&'static str] {
    match mix {
        TypeMix::Realistic | TypeMix::Uniform => &["temporal", "quantity", "causal", "rule"],
        TypeMix::TemporalOnly => &["temporal"],
        TypeMix::QuantityOnly => &["quantity"],
        TypeMix::CausalOnly => &["causal", "rule"],
    }
}

/// Checks that every cell can be run.
///
/// # Errors
/// One item per setting that cannot be run, naming the first such cell and the number of runs concerned.
pub fn check_buildable(plan: &Plan, built: &Built<'_>) -> Result<(), ConfigErrors> {
    // The setting that is refused comes last; each check sees only the axes that it depends on.
    let checks: [(&[&str], &Check<'_>); 5] = [
        (&["pe_induction.p_shock", "pe_induction.pe_type_mix"], &|config| families(config, built)),
        (&["pe_induction.p_shock", "pe_induction.observability"], &|config| observability(config, built)),
        (&["interface.memory_tools"], &|config| memory(config, built)),
        (&["interface.recovery_tools"], &|config| recovery(config, built)),
        (&["model.name"], &|config| agent(config, built)),
    ];
    let mut items: Vec<ConfigError> = Vec::new();
    for (paths, check) in checks {
        let cells = plan.project(paths);
        let runs_per_cell = plan.len() / cells.len();
        // The same refusal in several cells is one item, at the first of them.
        let mut refusals: BTreeMap<String, (usize, Cell, usize)> = BTreeMap::new();
        for (position, cell) in cells.enumerate() {
            if let Some(message) = check(&cell.config) {
                refusals.entry(message).or_insert((position, cell, 0)).2 += runs_per_cell;
            }
        }
        let mut refusals: Vec<_> = refusals.into_iter().collect();
        refusals.sort_by_key(|(_, (position, ..))| *position);
        let refused = paths.last().expect("every check is about a setting");
        for (message, (_, cell, runs)) in refusals {
            let cell = if cell.params.is_empty() {
                String::new()
            } else {
                format!("; first in the cell {}", cell_name(&cell.params))
            };
            let message = format!("{message} ({runs} of {} runs{cell})", plan.len());
            items.push(ConfigError::at(plan.experiment.place(refused), *refused, Problem::Other(message)));
        }
    }
    if items.is_empty() {
        return Ok(());
    }
    let more = items.len().saturating_sub(LISTED);
    items.truncate(LISTED);
    if more > 0 {
        items.push(ConfigError::about(plan.experiment.file.clone(), format!("… and {more} more kinds of cells")));
    }
    Err(ConfigErrors { items })
}

type Check<'a> = dyn Fn(&RunConfig) -> Option<String> + 'a;

fn families(config: &RunConfig, built: &Built<'_>) -> Option<String> {
    let mix = config.pe_induction.pe_type_mix;
    let is_built = |family: &&str| built.families.contains(family);
    let missing: Vec<&str> = families_of(mix).iter().copied().filter(|family| !is_built(family)).collect();
    if config.pe_induction.p_shock == 0.0 || missing.is_empty() {
        return None;
    }
    let mixes =
        [TypeMix::Realistic, TypeMix::TemporalOnly, TypeMix::QuantityOnly, TypeMix::CausalOnly, TypeMix::Uniform];
    let possible = mixes.into_iter().filter(|mix| families_of(*mix).iter().all(&is_built));
    Some(format!(
        "{mix} draws shocks that are not built yet: {}{}",
        missing.join(", "),
        instead(possible.map(TypeMix::word))
    ))
}

fn observability(config: &RunConfig, built: &Built<'_>) -> Option<String> {
    let asked = config.pe_induction.observability;
    (config.pe_induction.p_shock > 0.0 && !built.observability.contains(&asked))
        .then(|| not_built(asked.word(), built.observability.iter().map(|o| o.word())))
}

fn memory(config: &RunConfig, built: &Built<'_>) -> Option<String> {
    let asked = config.interface.memory_tools;
    (!built.memory.contains(&asked)).then(|| not_built(asked.word(), built.memory.iter().map(|m| m.word())))
}

fn recovery(config: &RunConfig, built: &Built<'_>) -> Option<String> {
    let asked = config.interface.recovery_tools;
    (!built.recovery.contains(&asked)).then(|| not_built(asked.word(), built.recovery.iter().map(|r| r.word())))
}

fn agent(config: &RunConfig, built: &Built<'_>) -> Option<String> {
    let asked = config.model.name.as_str();
    if built.agents.contains(&asked) {
        return None;
    }
    let shown = crate::config::shown(asked);
    let agents = instead(built.agents.iter().copied());
    Some(match nearest(asked, built.agents.iter().copied()) {
        Some(near) => format!("there is no agent {shown} (did you mean {near}?){agents}"),
        None if looks_like_language_model(asked) => {
            format!("{shown} looks like a language model, and language models are not built in yet{agents}")
        }
        None => format!("there is no agent {shown}, and language models are not built in yet{agents}"),
    })
}

/// Names such as `Qwen/Qwen3-32B`, `gpt-4o`, `llama-3.1-8b`, `mistral:7b`.
fn looks_like_language_model(name: &str) -> bool {
    name.contains(['/', ':']) || name.bytes().any(|byte| byte.is_ascii_digit())
}

fn not_built<'a>(asked: &str, possible: impl Iterator<Item = &'a str>) -> String {
    format!("{asked} is not built yet{}", instead(possible))
}

fn instead<'a>(possible: impl Iterator<Item = &'a str>) -> String {
    let possible: Vec<&str> = possible.collect();
    if possible.is_empty() { String::new() } else { format!("; use {}", possible.join(", ")) }
}
