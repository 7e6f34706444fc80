//! The detectors of a program over records of finished runs.
//!
//! Used by `detect`. The same detectors in the same order as in a run, fed from records instead of a World. Never
//! reads or writes files.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::base::units::Step;
use crate::config::nearest;
use crate::config::settings::CrashThreshold;
use crate::crash::detector::DetectorRegistry;
use crate::crash::evidence::{EvidenceWindow, StepEvidence};
use crate::interface::tool_kind::ToolKind;
use crate::record::evidence::Unknown;

/// Version of the rules, as offline detection states it. It changes whenever the same evidence could get another
/// flag.
pub const VERSION: &str = "1";

/// A name that no detector has.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "there is no crash detector {name}{}; there are {}v1 for the original's rules",
    .nearest.map_or(String::new(), |nearest| format!(" (did you mean {nearest}?)")),
    .known.iter().map(|name| format!("{name}, ")).collect::<String>() + if .known.is_empty() { "" } else { "and " }
)]
pub struct UnknownDetector {
    /// The name.
    pub name: String,
    /// The names that exist.
    pub known: Vec<&'static str>,
    /// The one that was probably meant.
    pub nearest: Option<&'static str>,
}

/// Detectors at work on one run after another.
pub struct OfflineDetectors {
    registry: DetectorRegistry,
    /// What each tool is for, by its name.
    kinds: BTreeMap<&'static str, ToolKind>,
    window: EvidenceWindow,
    flags: Vec<(&'static str, Option<bool>)>,
    crash: Option<&'static str>,
    seen: Step,
}

impl OfflineDetectors {
    /// The registered detectors of the given names, in the order that breaks ties; all of them for no name. `kinds` says
    /// what each tool is for, by its name.
    ///
    /// # Errors
    /// When a name is unknown.
    pub fn named(
        mut registry: DetectorRegistry,
        kinds: BTreeMap<&'static str, ToolKind>,
        names: &[String],
    ) -> Result<OfflineDetectors, UnknownDetector> {
        let known: Vec<_> = registry.names().collect();
        if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
            let nearest = nearest(name, known.iter().copied());
            return Err(UnknownDetector { name: name.clone(), known, nearest });
        }
        registry.keep(|detector| names.is_empty() || names.iter().any(|name| name == detector));
        let window = EvidenceWindow::new(0);
        Ok(OfflineDetectors { registry, kinds, window, flags: Vec::new(), crash: None, seen: 0 })
    }

    /// A new run begins.
    pub fn start(&mut self, threshold: CrashThreshold, window: Step) {
        for detector in self.registry.all() {
            detector.start(threshold);
        }
        self.window = EvidenceWindow::new(window);
        self.flags = self.registry.names().map(|name| (name, None)).collect();
        self.crash = None;
        self.seen = 0;
    }

    /// The verdict at a step: whether a crash has been detected and of which type, this step included.
    ///
    /// Detectors see the steps numbered as they come: step numbers of a log into which two processes wrote go back,
    /// which no detector is made for.
    pub fn judge(&mut self, step: StepEvidence, unknown: Unknown) -> (bool, Option<&'static str>) {
        let tool_kind = step.tool().and_then(|tool| self.kinds.get(tool).copied());
        self.window.push(StepEvidence { step: self.seen, tool_kind, ..step });
        self.seen += 1;
        for (index, detector) in self.registry.all().enumerate() {
            let name = detector.name();
            let verdict = detector.judge(&self.window);
            let flag = if detector.needs().iter().any(|need| unknown.lacks(*need)) { None } else { verdict.flag() };
            self.flags[index] = (name, flag);
            if flag == Some(true) && self.crash.is_none() {
                self.crash = Some(name);
            }
        }
        (self.crash.is_some(), self.crash)
    }

    /// What each detector said at the step judged last.
    #[must_use]
    pub fn flags(&self) -> &[(&'static str, Option<bool>)] {
        &self.flags
    }
}
