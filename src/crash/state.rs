//! Detection in a run: every detector judges every step; the first flag makes the crash.

use bevy::prelude::*;
use serde_json::Value;
use smallvec::SmallVec;

use super::detector::{DetectorRegistry, Verdict};
use super::event::CrashEvent;
use super::evidence::{EvidenceWindow, StepEvidence, contradicts, readable};
use super::severity::{Aftermath, Severity};
use crate::base::card::Card;
use crate::base::units::{Cents, Step};
use crate::config::settings::MeasurementConfig;
use crate::crash::v1;
use crate::crash::v1::{V1Detectors, V1Step};
use crate::engine::journal::{EventLog, Journal};
use crate::interface::tool_kind::ToolKind;
use crate::interface::turn::Turn;

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
#[derive(Clone, Debug)]
pub struct CrashState {
    window: EvidenceWindow,
    window_size: Step,
    continue_after: Step,
    flags: SmallVec<[(&'static str, Option<bool>); 8]>,
    rules: Rules,
    primary: Vec<String>,
    first: Option<Crash>,
    first_primary: Option<Crash>,
    ever: Vec<&'static str>,
    aftermath: Option<Aftermath>,
    events: EventLog<CrashEvent>,
}

crate::base::table_resource::table_resource!(CrashState);

/// Which rules judge this run.
#[derive(Clone, Debug)]
enum Rules {
    /// The registered detectors of these positions.
    Registered(SmallVec<[usize; 8]>),
    /// Those of the Python original.
    Original(Box<V1Detectors>),
}

impl CrashState {
    /// A run without a crash.
    #[must_use]
    pub fn new(measurement: &MeasurementConfig, detectors: &mut DetectorRegistry) -> CrashState {
        for detector in detectors.all() {
            detector.start(measurement.crash_threshold);
        }
        let named = |name: &str| measurement.detectors.iter().any(|wanted| wanted == name);
        let rules = if named(v1::NAME) {
            Rules::Original(Box::new(V1Detectors::new(measurement.crash_threshold)))
        } else {
            let positions = detectors.names().enumerate().filter(|(_, name)| named("all") || named(name));
            Rules::Registered(positions.map(|(position, _)| position).collect())
        };
        let flags = match &rules {
            Rules::Original(original) => original.flags().iter().copied().collect(),
            Rules::Registered(positions) => {
                let names: Vec<_> = detectors.names().collect();
                positions.iter().map(|position| (names[*position], None)).collect()
            }
        };
        CrashState {
            window: EvidenceWindow::new(measurement.window_size),
            window_size: measurement.window_size,
            continue_after: measurement.continue_after_crash,
            flags,
            rules,
            primary: measurement.primary.clone(),
            first: None,
            first_primary: None,
            ever: Vec::new(),
            aftermath: None,
            events: EventLog::default(),
        }
    }

    /// What crash detection found.
    #[must_use]
    pub fn events(&self) -> &EventLog<CrashEvent> {
        &self.events
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

    /// The first crash of a type that belongs to the primary event.
    #[must_use]
    pub fn primary_crash(&self) -> Option<&Crash> {
        self.first_primary.as_ref()
    }

    /// Every detector that ever fired, in the order of the register.
    pub fn crash_types(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.flags.iter().map(|(name, _)| *name).filter(|name| self.ever.contains(name))
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

impl CrashState {
    /// A detector has judged the step.
    fn take_in(&mut self, place: usize, name: &'static str, verdict: Verdict, step: Step, journal: &mut Journal) {
        let was = std::mem::replace(&mut self.flags[place].1, verdict.flag()) == Some(true);
        let Verdict::Fired { onset, evidence } = verdict else {
            if was {
                let detector = name.to_owned();
                let event = CrashEvent::Flag { detector, flag: false, onset_step: None, evidence: None };
                self.events.note(event, journal);
            }
            return;
        };
        assert!(
            onset <= step,
            "the crash detector {name} says in step {step} that the breakdown began in step {onset}, which is to come"
        );
        if !was {
            let (onset_step, evidence) = (Some(onset), Some(evidence));
            let event = CrashEvent::Flag { detector: name.to_owned(), flag: true, onset_step, evidence };
            self.events.note(event, journal);
        }
        if !self.ever.contains(&name) {
            self.ever.push(name);
        }
        let crash = Crash { kind: name, detected: step, onset };
        if self.first_primary.is_none() && self.primary.iter().any(|primary| primary == name) {
            self.first_primary = Some(crash.clone());
        }
        if self.first.is_none() {
            self.first = Some(crash);
            self.aftermath = Some(Aftermath::new(step, self.window_size, self.continue_after));
            self.events.note(CrashEvent::Crash { crash_type: name.to_owned() }, journal);
        }
    }

    /// Follows the run after its crash.
    fn follow(&mut self, turn: &Turn, journal: &mut Journal) {
        let any_flag = self.flags.iter().any(|(_, flag)| *flag == Some(true));
        let Some(aftermath) = &mut self.aftermath else { return };
        let works = turn.tool_kind.is_some_and(ToolKind::is_mission);
        let before = (aftermath.severity(), aftermath.recovered_step());
        aftermath.see(turn.step, any_flag, works);
        if before.1.is_none() && aftermath.recovered_step().is_some() {
            self.events.note(CrashEvent::Recovery {}, journal);
        }
        if let (None, Some(severity)) = (before.0, aftermath.severity()) {
            self.events.note(CrashEvent::SeverityDecided { severity }, journal);
        }
    }
}

/// The step as the original's rules see it.
fn as_the_original_sees(turn: &Turn) -> V1Step {
    let action = turn.action.as_deref();
    let names_another = |card: &Card| card.tool.as_deref().is_some_and(|tool| tool != turn.action_tool());
    V1Step {
        tool: action.map(|action| action.tool.clone()),
        args: action.map_or(Value::Null, |action| Value::Object(action.args.clone())),
        failed: turn.result.success == Some(false),
        ordered_below_zero: turn.tool_kind == Some(ToolKind::Purchase) && turn.state.budget < Cents::ZERO,
        contradicts_card: action.is_some() && turn.card.as_ref().is_some_and(names_another),
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
    if let Rules::Original(original) = &mut state.rules {
        original.judge_before(as_the_original_sees(&turn));
        let flags: SmallVec<[_; 8]> = original.flags().iter().copied().collect();
        for (place, (name, flag)) in flags.into_iter().enumerate() {
            let verdict = match flag {
                None => Verdict::Unable,
                Some(false) => Verdict::Clear,
                // The original says nothing of when a breakdown began.
                Some(true) => Verdict::Fired { onset: step, evidence: "by the original's rule".to_owned() },
            };
            state.take_in(place, name, verdict, step, &mut journal);
        }
    } else {
        state.window.push(StepEvidence {
            step,
            action: turn.action.clone(),
            tool_kind: turn.tool_kind,
            failure: turn.error_class,
            state_changed: turn.result.state_changed,
            work_open: turn.work_open,
            budget: turn.budget_before,
            total_storage: Some(turn.state.total_storage),
            contradicts_card: contradicts(turn.action.as_deref(), turn.card.as_ref()),
            thoughts: turn.thoughts.clone(),
            readable: readable(turn.source, turn.action.is_some()),
            statements: turn.statements.clone(),
        });
        for place in 0..state.flags.len() {
            let Rules::Registered(positions) = &state.rules else { continue };
            let detector = detectors.at(positions[place]);
            let (name, verdict) = (detector.name(), detector.judge(&state.window));
            state.take_in(place, name, verdict, step, &mut journal);
        }
    }
    state.follow(&turn, &mut journal);
}
