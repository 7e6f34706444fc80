//! What a crash detector is, and the register of them.

use std::panic::Location;

use bevy::app::App;

use super::evidence::EvidenceWindow;
use crate::base::registration::{Registrable, SourcePlace, admit};
use crate::base::units::Step;
use crate::config::settings::CrashThreshold;

/// What a detector says of a step.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It could not fire: too little evidence, or none of the kind it needs. The step is not at risk for it.
    Unable,
    /// It could have fired and did not.
    Clear,
    /// It fires.
    Fired {
        /// The earliest step that is evidence. One that is still to come is a defect of the detector and ends the run.
        onset: Step,
        /// What it saw, for people.
        evidence: String,
    },
}

impl Verdict {
    /// The flag as records state it: null, false or true.
    #[must_use]
    pub fn flag(&self) -> Option<bool> {
        match self {
            Verdict::Unable => None,
            Verdict::Clear => Some(false),
            Verdict::Fired { .. } => Some(true),
        }
    }
}

/// What a detector looks at and a record of a finished run may not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Whether work was open.
    WorkOpen,
    /// Whether the call worked, whose fault it was, and whether it changed anything.
    Outcome,
}

impl Need {
    /// All of them.
    pub const ALL: &'static [Need] = &[Need::WorkOpen, Need::Outcome];
}

/// A kind of breakdown and the rule that recognises it.
///
/// A detector is told of each step in turn and sees nothing but the window, so what it says of a run is the same
/// while the run is made and afterwards over its records (`vendomini detect`). It may keep what it has seen, from
/// [`start`](CrashDetector::start) on.
pub trait CrashDetector: Send + Sync + 'static {
    /// Its unique `snake_case` name, which is the crash type.
    fn name(&self) -> &'static str;

    /// A new run begins: forget the last one.
    fn start(&mut self, threshold: CrashThreshold);

    /// Judges the present step, the last of the window. Called once a step, in the order of steps. With fewer than
    /// five steps ([`EvidenceWindow::is_enough`]) there is nothing to judge.
    fn judge(&mut self, window: &EvidenceWindow) -> Verdict;

    /// What it looks at: where a record does not tell it, its flag is null. Everything, unless said otherwise.
    fn needs(&self) -> &'static [Need] {
        Need::ALL
    }
}

/// The value of a threshold level.
pub fn by_level<T>(level: CrashThreshold, [strict, moderate, lenient]: [T; 3]) -> T {
    match level {
        CrashThreshold::Strict => strict,
        CrashThreshold::Moderate => moderate,
        CrashThreshold::Lenient => lenient,
    }
}

/// Order of the built-in detectors where several flag in one step. Others come after them, by name.
const ORDER: [&str; 8] = [
    "looping",
    "invalid_burst",
    "budget_denial",
    "decoupling",
    "exploration_collapse",
    "slow_divergence",
    "malformed_output",
    "belief_divergence",
];

/// All registered detectors, in the order that breaks ties, whoever registered them and when.
#[derive(Default)]
pub struct DetectorRegistry(Vec<(Box<dyn CrashDetector>, SourcePlace)>);

crate::base::table_resource::table_resource!(DetectorRegistry);

impl DetectorRegistry {
    /// Names in order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.0.iter().map(|(detector, _)| detector.name())
    }

    /// The detectors in order.
    pub(crate) fn all(&mut self) -> impl Iterator<Item = &mut Box<dyn CrashDetector>> + '_ {
        self.0.iter_mut().map(|(detector, _)| detector)
    }

    /// The detector at a position.
    pub(crate) fn at(&mut self, position: usize) -> &mut dyn CrashDetector {
        self.0[position].0.as_mut()
    }

    /// Lets all others go.
    pub(crate) fn keep(&mut self, wanted: impl Fn(&str) -> bool) {
        self.0.retain(|(detector, _)| wanted(detector.name()));
    }
}

/// Registers crash detectors.
pub trait CrashDetectorAppExt {
    /// Registers a crash detector. Its name is the crash type in records, and what `measurement.detectors`,
    /// `measurement.primary` and `detect --detectors` name; with `measurement.detectors: all` it takes part in every
    /// run.
    ///
    /// # Runs in
    ///
    /// [`PostAgentSystems::Detect`](crate::step::PostAgentSystems::Detect), in every step, after the predictions of
    /// the step have been resolved and before the state is hashed. Every detector judges every step, none stops
    /// another. Where several flag in one step, the built-in ones come first in the order of their table, then the
    /// others by name.
    ///
    /// A name that is no `snake_case` name or is taken is reported with all other problems of the plugins, by
    /// [`Plugins::check`](crate::plugins::Plugins::check), `main_with`, or a panic of
    /// [`Simulation::from_app`](crate::simulation::driver::Simulation::from_app).
    ///
    /// ```
    /// use vendomini::prelude::*;
    ///
    /// /// Fires when the agent has done nothing at all for so many steps.
    /// #[derive(Default)]
    /// struct Silence {
    ///     steps: usize,
    /// }
    ///
    /// impl CrashDetector for Silence {
    ///     fn name(&self) -> &'static str {
    ///         "silence"
    ///     }
    ///
    ///     fn start(&mut self, threshold: CrashThreshold) {
    ///         self.steps = by_level(threshold, [5, 10, 20]);
    ///     }
    ///
    ///     fn judge(&mut self, window: &EvidenceWindow) -> Verdict {
    ///         let silent = window.steps().rev().take_while(|step| step.action.is_none());
    ///         match silent.clone().last() {
    ///             _ if !window.is_enough() => Verdict::Unable,
    ///             Some(first) if silent.count() >= self.steps => {
    ///                 Verdict::Fired { onset: first.step, evidence: format!("nothing done since {}", first.step) }
    ///             }
    ///             _ => Verdict::Clear,
    ///         }
    ///     }
    ///
    ///     fn needs(&self) -> &'static [Need] {
    ///         &[]
    ///     }
    /// }
    ///
    /// fn silence(app: &mut App) {
    ///     app.add_crash_detector(Silence::default());
    /// }
    ///
    /// let registered = Plugins::default().with(silence, "0.1.0").check().unwrap();
    /// assert_eq!(registered.detectors.last(), Some(&"silence"));
    /// ```
    #[track_caller]
    fn add_crash_detector(&mut self, detector: impl CrashDetector) -> &mut Self;
}

impl CrashDetectorAppExt for App {
    #[track_caller]
    fn add_crash_detector(&mut self, detector: impl CrashDetector) -> &mut Self {
        let (name, place) = (detector.name(), SourcePlace::of(Location::caller()));
        let registry = self.init_resource::<DetectorRegistry>().world().resource::<DetectorRegistry>();
        let known = registry.0.iter().find(|(known, _)| known.name() == name).map(|(_, place)| place.clone());
        if admit(self, Registrable::CrashDetector, name, known, &place) {
            let rank =
                |name: &'static str| (ORDER.iter().position(|known| *known == name).unwrap_or(ORDER.len()), name);
            let registry = &mut self.world_mut().resource_mut::<DetectorRegistry>().0;
            let position = registry.partition_point(|(known, _)| rank(known.name()) < rank(name));
            registry.insert(position, (Box::new(detector), place));
        }
        self
    }
}
