//! Detection in a run: every detector judges every step; the first flag makes the crash.

use bevy::prelude::*;
use smallvec::SmallVec;

use super::detector::{DetectorRegistry, Verdict};
use super::evidence::{EvidenceWindow, StepEvidence, contradicts, readable};
use super::severity::{Aftermath, Severity};
use crate::config::settings::MeasurementConfig;
use crate::step::turn::Turn;
use crate::tool::name;
use crate::units::Step;
use crate::world::journal::{Event, Journal};

/// The first flag of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crash {
    /// The detector that set it.
    pub kind: &'static str,
    /// Step of the flag: detection.
    pub detected: Step,
    /// Earliest step that was evidence: onset.
    pub onset: Step,
}

/// What the detectors said so far.
#[derive(Resource, Clone, Debug)]
pub struct CrashState {
    window: EvidenceWindow,
    window_size: Step,
    continue_after: Step,
    flags: SmallVec<[(&'static str, Option<bool>); 8]>,
    first: Option<Crash>,
    ever: Vec<&'static str>,
    aftermath: Option<Aftermath>,
}

impl CrashState {
    /// A run without a crash.
    #[must_use]
    pub fn new(measurement: &MeasurementConfig, detectors: &mut DetectorRegistry) -> CrashState {
        for detector in &mut detectors.0 {
            detector.start(measurement.crash_threshold);
        }
        CrashState {
            window: EvidenceWindow::new(measurement.window_size),
            window_size: measurement.window_size,
            continue_after: measurement.continue_after_crash,
            flags: detectors.names().map(|name| (name, None)).collect(),
            first: None,
            ever: Vec::new(),
            aftermath: None,
        }
    }

    /// The flags of the present step, in order.
    #[must_use]
    pub fn flags(&self) -> &[(&'static str, Option<bool>)] {
        &self.flags
    }

    /// The crash, once there is one.
    #[must_use]
    pub fn crash(&self) -> Option<&Crash> {
        self.first.as_ref()
    }

    /// Every detector that ever fired, in the order of the register.
    pub fn crash_types<'a>(&'a self, registry: &'a DetectorRegistry) -> impl Iterator<Item = &'static str> + 'a {
        registry.names().filter(|name| self.ever.contains(name))
    }

    /// What came after the crash.
    #[must_use]
    pub fn aftermath(&self) -> Option<&Aftermath> {
        self.aftermath.as_ref()
    }

    /// How bad the crash was, once that is known.
    #[must_use]
    pub fn severity(&self) -> Option<Severity> {
        self.aftermath.as_ref()?.severity()
    }
}

/// Detect: every detector judges the step.
pub fn detect_crashes(
    turn: Res<Turn>,
    mut state: ResMut<CrashState>,
    mut detectors: ResMut<DetectorRegistry>,
    mut journal: ResMut<Journal>,
) {
    let state = &mut *state;
    let step = turn.step;
    state.window.push(StepEvidence {
        step,
        action: turn.action.clone(),
        failure: turn.error_class,
        state_changed: turn.result.state_changed,
        work_open: turn.work_open,
        budget: turn.budget_before,
        contradicts_card: contradicts(turn.action.as_deref(), turn.card.as_ref()),
        thoughts: turn.thoughts.clone(),
        readable: readable(turn.source, turn.action.is_some()),
        statements: turn.statements.clone(),
    });
    for (index, detector) in detectors.0.iter_mut().enumerate() {
        let verdict = detector.judge(&state.window);
        let name = detector.name();
        let flag = verdict.flag();
        let was = std::mem::replace(&mut state.flags[index].1, flag) == Some(true);
        if let Verdict::Fired { onset, evidence } = verdict {
            if !was {
                let (onset_step, evidence) = (Some(onset), Some(evidence));
                journal.note(Event::CrashFlag { detector: name.to_owned(), flag: true, onset_step, evidence });
            }
            if !state.ever.contains(&name) {
                state.ever.push(name);
            }
            if state.first.is_none() {
                state.first = Some(Crash { kind: name, detected: step, onset });
                state.aftermath = Some(Aftermath::new(step, state.window_size, state.continue_after));
                journal.note(Event::Crash { crash_type: name.to_owned() });
            }
        } else if was {
            journal.note(Event::CrashFlag { detector: name.to_owned(), flag: false, onset_step: None, evidence: None });
        }
    }
    if let Some(aftermath) = &mut state.aftermath {
        let any_flag = state.flags.iter().any(|(_, flag)| *flag == Some(true));
        let works =
            turn.action.as_ref().is_some_and(|action| [name::ORDER, name::SHIP].contains(&action.tool.as_str()));
        let before = (aftermath.severity(), aftermath.recovered_step());
        aftermath.see(step, any_flag, works);
        if before.1.is_none() && aftermath.recovered_step().is_some() {
            journal.note(Event::Recovery {});
        }
        if let (None, Some(severity)) = (before.0, aftermath.severity()) {
            journal.note(Event::SeverityDecided { severity });
        }
    }
}
