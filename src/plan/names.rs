//! Whether everything that the cells of a plan name is there: agents, tools, shock families, crash detectors.
//!
//! Called before the first run. `plan` lists every valid cell, whoever could run it, so it asks for all but agents.
//! What is registered is told by the caller, so that this module knows no name.

use super::Plan;
use crate::config::{ConfigError, ConfigErrors, Problem};
use crate::plan::registered::{DETECTORS, MIX, PRIMARY, Registered, TOOLS};

/// Most refusals that are listed.
const LISTED: usize = 10;

const NAME: &str = "model.name";

/// Checks every value of `model.name` by what `refusal` has to say against it.
///
/// # Errors
/// One item per name that is refused, with the number of runs concerned.
pub fn check_names(plan: &Plan, mut refusal: impl FnMut(&str) -> Option<String>) -> Result<(), ConfigErrors> {
    let refused = plan.project(&[NAME]).map(|cell| refusal(&cell.config.model.name).into_iter().collect());
    let errors = refuse(plan, NAME, "unknown agents", refused);
    if errors.is_empty() { Ok(()) } else { Err(ConfigErrors { items: errors }) }
}

impl Plan {
    /// The plan for a program in which these names are registered: every tool, shock family and crash detector that a
    /// cell names must be among them. Where no file says which crash types are primary, those that there are remain.
    ///
    /// # Errors
    /// One item per key and name that is not registered, with the number of runs concerned.
    pub fn fit(mut self, registered: &Registered) -> Result<Plan, ConfigErrors> {
        self.experiment.narrow(PRIMARY, |name| registered.detectors.contains(&name));
        let mut errors = Vec::new();
        for (paths, of) in
            [([TOOLS], "tools"), ([MIX], "shock families"), ([DETECTORS], "detectors"), ([PRIMARY], "detectors")]
        {
            let path = paths[0];
            let wrong = self.project(&paths).map(|cell| {
                let names = registered.wrong_names(&cell.config).into_iter();
                let primary = registered.wrong_primary(&cell.config).into_iter();
                names.chain(primary).filter(|(at, _)| *at == path).map(|(_, message)| message).collect()
            });
            errors.extend(refuse(&self, path, &format!("unknown {of}"), wrong));
        }
        if errors.is_empty() { Ok(self) } else { Err(ConfigErrors::new(errors)) }
    }
}

/// Errors about the value of a key: `cells` has, for each case of it, what is wrong with it.
fn refuse(
    plan: &Plan,
    path: &str,
    counted: &str,
    cells: impl ExactSizeIterator<Item = Vec<String>>,
) -> Vec<ConfigError> {
    let (each, of) = (plan.len() / cells.len(), plan.len());
    let mut refused: Vec<(String, usize)> = Vec::new();
    for message in cells.flatten() {
        match refused.iter_mut().find(|(known, _)| *known == message) {
            Some((_, runs)) => *runs += each,
            None => refused.push((message, each)),
        }
    }
    let more = refused.len().saturating_sub(LISTED);
    let listed = refused.into_iter().take(LISTED).map(|(message, runs)| {
        let message = format!("{message} ({runs} of {of} runs)");
        ConfigError::at(plan.experiment.place(path), path, Problem::Other(message))
    });
    let rest =
        (more > 0).then(|| ConfigError::about(plan.experiment.place(path), format!("… and {more} more {counted}")));
    listed.chain(rest).collect()
}
