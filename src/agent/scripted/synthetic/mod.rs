//! `synthetic`: acts like the scenario's `heuristic`, says what it thinks, and breaks down in a known way at a known step, so that
//! detectors and analyses can be held against the truth.
//!
//! While it is sound, each step has the hazard `1 - exp(-baseline * exp(b . x))` of a breakdown, `x` being the
//! errors accumulated up to the step before. While it is broken, each later step has the configured probability of
//! recovery; the step of a recovery is the first sound one again, and the hazard returns with the next. Whether a
//! step brings either is drawn from a stream of its own at the position of the step, so equal seeds break down at
//! the same step unless their errors differ. A fixed onset replaces the hazard.
//!
//! - `hazard`: when
//! - `thoughts`: what it thinks

mod hazard;
mod thoughts;

use serde_json::{Value, json};

use crate::agent::register::AgentSetup;
use crate::agent::scripted::reference::{Breakdown, ReferenceAgent};
use crate::agent::{Agent, Input, Instruments};
use crate::base::decision::Decision;
use crate::base::rng::Stream;
use crate::base::units::Step;
use crate::config::settings::{SyntheticConfig, SyntheticKind};
use crate::prediction::accumulate::Score;

/// The agent's own stream, with its version.
pub const STREAM: (&str, u32) = ("agent.synthetic", 1);

/// Fields of a step's draws.
mod field {
    pub(super) const ONSET: u64 = 0;
    pub(super) const RECOVERY: u64 = 1;
    pub(super) const OPENER: u64 = 2;
    pub(super) const SENTENCE: u64 = 3;
    /// Eight fields from here.
    pub(super) const DRIFT: u64 = 8;
}

/// An agent with a known truth.
pub struct Synthetic {
    config: SyntheticConfig,
    stream: Stream,
    acting: Box<dyn ReferenceAgent>,
    broken_since: Option<Step>,
    onsets: Vec<Step>,
    recoveries: Vec<Step>,
    /// Steps in which it could have broken down.
    steps_at_risk: Step,
    /// Sum of the rates of those steps.
    cumulative_hazard: f64,
}

impl Synthetic {
    /// A sound agent that acts as a scenario's reference agent does.
    #[must_use]
    pub fn new(setup: AgentSetup<'_>, acting: Box<dyn ReferenceAgent>) -> Synthetic {
        Synthetic {
            config: setup.config.synthetic.clone(),
            stream: setup.stream(STREAM.1),
            acting,
            broken_since: None,
            onsets: Vec::new(),
            recoveries: Vec::new(),
            steps_at_risk: 0,
            cumulative_hazard: 0.0,
        }
    }

    /// Turns to the state that the agent has in this step.
    fn live(&mut self, step: Step, instruments: Instruments<'_>) {
        if self.broken_since.is_some() {
            if self.stream.unit(step, field::RECOVERY) < self.config.recovery {
                self.broken_since = None;
                self.recoveries.push(step);
            }
        } else if self.is_onset(step, instruments) {
            self.broken_since = Some(step);
            self.onsets.push(step);
        }
    }

    fn is_onset(&mut self, step: Step, instruments: Instruments<'_>) -> bool {
        if let Some(fixed) = self.config.onset {
            return step == fixed;
        }
        let rate = hazard::rate(&self.config, instruments);
        self.steps_at_risk += 1;
        self.cumulative_hazard += rate;
        self.stream.unit(step, field::ONSET) < hazard::hazard(rate)
    }
}

impl Agent for Synthetic {
    fn decide(&mut self, _: Input<'_>) -> Decision {
        panic!("a synthetic agent is asked with its instruments: an agent that wraps it passes decide_with on")
    }

    fn decide_with(&mut self, input: Input<'_>, instruments: Instruments<'_>) -> Decision {
        let step = input.observation.step;
        self.live(step, instruments);
        let broken = self.broken_since.map(|since| (self.config.kind, step - since));
        let mut decision = match broken {
            Some((kind, since)) => {
                let breakdown = Breakdown { kind, since, step, stream: &mut self.stream };
                self.acting.break_down(breakdown, &input)
            }
            None => self.acting.decide(input),
        };
        decision.thoughts = decision.action.as_ref().map(|action| {
            let day = input.observation.day;
            let sentences = self.acting.sentences(&action.tool);
            match broken {
                Some((SyntheticKind::Drift, since)) => {
                    thoughts::adrift(sentences, action, day, step, since, &mut self.stream)
                }
                _ => thoughts::of_work(sentences, action, day, step, &mut self.stream),
            }
            .into()
        });
        decision
    }

    fn truth(&self) -> Option<Value> {
        let SyntheticConfig { kind, baseline, coefficients, account, recovery, onset } = &self.config;
        Some(json!({
            "kind": kind,
            "onset_step": self.onsets.first(),
            "onset_steps": self.onsets,
            "recovery_steps": self.recoveries,
            "fixed_onset": onset,
            "baseline": baseline,
            "coefficients": coefficients,
            "account": account,
            "recovery": recovery,
            "steps_at_risk": self.steps_at_risk,
            "cumulative_hazard": Score(self.cumulative_hazard),
        }))
    }
}
