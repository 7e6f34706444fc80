//! What a crash detector is, and the register of them.

use bevy::app::App;
use bevy::prelude::Resource;

use super::evidence::EvidenceWindow;
use crate::config::settings::CrashThreshold;
use crate::units::Step;

/// What a detector says of a step.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It could not fire: too little evidence, or none of the kind it needs. The step is not at risk for it.
    Unable,
    /// It could have fired and did not.
    Clear,
    /// It fires.
    Fired {
        /// The earliest step that is evidence.
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

/// A kind of breakdown and the rule that recognises it.
pub trait CrashDetector: Send + Sync + 'static {
    /// Its unique `snake_case` name, which is the crash type.
    fn name(&self) -> &'static str;

    /// A new run begins: forget the last one.
    fn start(&mut self, threshold: CrashThreshold);

    /// Judges the present step, the last of the window. Called once a step, in the order of steps.
    fn judge(&mut self, window: &EvidenceWindow) -> Verdict;
}

/// The value of a threshold level.
pub(super) fn by_level<T>(level: CrashThreshold, [strict, moderate, lenient]: [T; 3]) -> T {
    match level {
        CrashThreshold::Strict => strict,
        CrashThreshold::Moderate => moderate,
        CrashThreshold::Lenient => lenient,
    }
}

/// All registered detectors, in the order that breaks ties: the built-in ones as the domain lists them.
#[derive(Resource, Default)]
pub struct DetectorRegistry(pub(super) Vec<Box<dyn CrashDetector>>);

impl DetectorRegistry {
    /// Names in order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.0.iter().map(|detector| detector.name())
    }
}

/// Registers a detector.
pub(crate) fn add(app: &mut App, detector: impl CrashDetector) {
    let mut registry = app.world_mut().resource_mut::<DetectorRegistry>();
    let name = detector.name();
    assert!(registry.names().all(|known| known != name), "the crash detector {name} is registered twice");
    registry.0.push(Box::new(detector));
}
