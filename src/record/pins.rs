//! Pins: two digests in a configuration that say which world it means, so that a changed program or file is noticed
//! before a run and not after it.
//!
//! - `pins.scenario_sha256`: SHA-256 over every setting of the sections `simulation`, `demand` and `pe_induction` of
//!   every cell of the plan, and over the versions of the streams of draws and of the state hash
//! - `pins.initial_state_hash`: the state hash of day 0 of the plan's first run, which also depends on its seed
//!
//! They speak of a plan as a whole, so they are no part of a run's `config_used.yaml`; and of the file that has them, so
//! a file that inherits from it does not inherit them.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::base::hex::{HASH_128, Hash128, SHA_256, hex};
use crate::config::Place;
use crate::config::settings::RunConfig;
use crate::engine::state_hash::ALGORITHM;
use crate::plan::Plan;
use crate::scenario::warehouse::hash;

/// What a plan's pins are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pins {
    /// Of all its cells.
    #[schemars(description = "SHA-256 of the scenario of all cells.", regex(pattern = SHA_256))]
    pub scenario_sha256: String,
    /// Of its first run.
    #[schemars(description = "State hash of day 0 of the first run.", regex(pattern = HASH_128))]
    pub initial_state_hash: String,
}

/// A pin that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "PinMismatch: {key} is pinned to {pinned} ({place}), and this program and configuration give {actual}; what is run \
     would not be what was pinned (vendomini pin FILE pins it anew, --allow-unpinned runs it and records that)"
)]
pub struct PinMismatch {
    /// The key.
    pub key: &'static str,
    /// What the configuration says.
    pub pinned: String,
    /// Where it says so.
    pub place: Place,
    /// What is.
    pub actual: String,
}

/// How pins were dealt with, for the manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PinRecord {
    /// What is.
    #[serde(flatten)]
    pub actual: Pins,
    /// Whether the configuration pins anything.
    pub pinned: bool,
    /// The pins that do not hold and were waived by `--allow-unpinned`.
    pub waived: Vec<String>,
}

impl Pins {
    /// The pins of a plan.
    #[must_use]
    pub fn of(plan: &Plan) -> Pins {
        let paths: Vec<&str> = plan.axes().iter().map(|axis| axis.path).filter(|path| is_scenario(path)).collect();
        let scenarios: BTreeSet<String> = plan.project(&paths).map(|cell| scenario(&cell.config)).collect();
        let mut hasher = Sha256::new();
        hasher.update(format!("{ALGORITHM}\n{}\n", json!(super::manifest::world_streams())));
        for scenario in scenarios {
            hasher.update(scenario);
            hasher.update("\n");
        }
        let scenario_sha256 = hex(&hasher.finalize());
        let initial_state_hash = Hash128(hash::start(&plan.run(0).config).value()).to_string();
        Pins { scenario_sha256, initial_state_hash }
    }
}

fn is_scenario(path: &str) -> bool {
    ["simulation.", "demand.", "pe_induction."].iter().any(|section| path.starts_with(section))
}

/// The scenario's settings as one line. A JSON object may keep another order; a sorted text has none to keep.
fn scenario(config: &RunConfig) -> String {
    let mut lines = Vec::new();
    let sections = json!({
        "simulation": config.simulation,
        "demand": config.demand,
        "pe_induction": config.pe_induction,
    });
    collect("", &sections, &mut lines);
    lines.sort();
    lines.join(";")
}

fn collect(path: &str, value: &Value, lines: &mut Vec<String>) {
    match value {
        Value::Object(keys) => {
            for (key, value) in keys {
                collect(&format!("{path}.{key}"), value, lines);
            }
        }
        value => lines.push(format!("{path}={value}")),
    }
}

/// Holds the pins of a plan's configuration against what is.
///
/// # Errors
/// The pins that do not hold, unless they are waived.
pub fn check(plan: &Plan, waive: bool) -> Result<PinRecord, Vec<PinMismatch>> {
    let actual = Pins::of(plan);
    let pins =
        [("pins.scenario_sha256", &actual.scenario_sha256), ("pins.initial_state_hash", &actual.initial_state_hash)];
    let mut pinned = false;
    let mut mismatches = Vec::new();
    for (key, actual) in pins {
        let Some(written) = plan.experiment().setting(key).and_then(Value::as_str) else { continue };
        pinned = true;
        if !written.eq_ignore_ascii_case(actual) {
            let (pinned, place) = (written.to_owned(), plan.experiment().place(key));
            mismatches.push(PinMismatch { key, pinned, place, actual: actual.clone() });
        }
    }
    if !mismatches.is_empty() && !waive {
        return Err(mismatches);
    }
    Ok(PinRecord { actual, pinned, waived: mismatches.into_iter().map(|mismatch| mismatch.key.to_owned()).collect() })
}
