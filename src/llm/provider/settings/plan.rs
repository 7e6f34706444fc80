//! The providers of all models of a plan, or everything that is missing for them, in one message.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::{ConfigError, ConfigErrors, Place, Problem, nearest, shown};
use crate::llm::provider::settings::{Environment, Provider, REPLAY, Refused, provider_of};
use crate::plan::{Plan, check_names};

const NAME: &str = "model.name";

/// Most models that a message names.
const NAMED: usize = 3;

/// Finds the providers of all language models of a plan, by the model's name, and writes what was found into the
/// configurations of its runs. `scripted` are the agents that are no language models; recordings are left alone.
///
/// # Errors
/// All names that mean nothing, and all variables of the environment that are missing, with what to do about them.
pub fn resolve(
    plan: &mut Plan,
    scripted: &[&str],
    environment: &Environment<'_>,
) -> Result<BTreeMap<String, Arc<Provider>>, ConfigErrors> {
    let experiment = plan.experiment();
    let mut found = BTreeMap::new();
    // What is wrong with which key or variable, and the models that it is wrong for.
    let mut missing: Vec<(Place, String, String, Vec<String>)> = Vec::new();
    let named = check_names(plan, |name| {
        if scripted.contains(&name) || name.starts_with(REPLAY) {
            return None;
        }
        let (key, message) = match provider_of(name, experiment.providers(), environment) {
            Ok(provider) => {
                found.insert(name.to_owned(), Arc::new(provider));
                return None;
            }
            Err(Refused::Unknown) => return Some(unknown(name, scripted)),
            Err(Refused::Key { key, why }) => (key, why.to_owned()),
            Err(Refused::Variable { name: variable, key, why, remedy }) => {
                (key, format!("the environment variable {variable} {why} ({remedy})"))
            }
        };
        let entry = experiment.providers().entry_of(name);
        let written = entry.and_then(|(pattern, _)| experiment.provider_place(pattern, key));
        let place = written.unwrap_or_else(|| experiment.place(NAME));
        let path = entry.map_or(NAME.to_owned(), |(pattern, _)| format!("providers.{pattern}.{key}"));
        match missing.iter_mut().find(|(_, known, said, _)| *known == path && *said == message) {
            Some((.., models)) => models.push(name.to_owned()),
            None => missing.push((place, path, message, vec![name.to_owned()])),
        }
        None
    });
    let mut items = named.err().map(|errors| errors.items).unwrap_or_default();
    items.extend(missing.into_iter().map(|(place, path, message, models)| {
        let more = models.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let models = models[..models.len().min(NAMED)].join(", ");
        ConfigError::at(place, path, Problem::Other(format!("{message}, for {models}{more}")))
    }));
    if !items.is_empty() {
        return Err(ConfigErrors { items });
    }
    plan.set_providers(found.iter().map(|(name, provider)| (name.clone(), provider.entry.clone())).collect());
    Ok(found)
}

/// What to say of a name that means nothing.
fn unknown(name: &str, scripted: &[&str]) -> String {
    let (asked, possible) = (shown(name), scripted.join(", "));
    match nearest(name, scripted.iter().copied()) {
        Some(near) => format!("there is no agent {asked} (did you mean {near}?); use {possible}"),
        None => format!(
            "{asked} is neither a scripted agent ({possible}) nor a language model of a known provider; if it is a \
             model, say where it is asked: providers: {{{}: {{base_url: http://localhost:8000/v1}}}}",
            serde_json::Value::from(asked.as_str())
        ),
    }
}
