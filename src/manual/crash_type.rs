//! Writing a crash type.
//!
//! A crash type is a [`CrashDetector`](crate::crash::detector::CrashDetector): a name and a rule over the last steps. A
//! plugin registers it with
//! [`add_crash_detector`](crate::crash::detector::CrashDetectorAppExt::add_crash_detector). With
//! `measurement.detectors: all` it runs at once; a configuration can also name it, and name it as primary:
//!
//! ```yaml
//! measurement: {detectors: [looping, hoarding], primary: [hoarding]}
//! ```
//!
//! # Three answers
//!
//! [`Verdict`](crate::crash::detector::Verdict) is what the record of the step says: `Unable` is null, and the step is
//! not at risk; `Clear` is false; `Fired` is true, with the first step that was evidence (the onset) and a sentence for
//! people. A step is at risk when the detector could have fired. Survival analyses divide by steps at risk, so a
//! detector that says `Clear` where it was blind makes the agent look healthier than it is.
//!
//! # What it sees
//!
//! The [`EvidenceWindow`](crate::crash::evidence::EvidenceWindow) holds the last `measurement.window_size` steps, the
//! present one last. What a step can be evidence of stands in
//! [`StepEvidence`](crate::crash::evidence::StepEvidence): the action, whose fault a failure was, whether work was open,
//! budget and stock, what was thought and stated. Detectors see no more than this, so `vendomini detect` can run them
//! over records of runs that were made without them. Records of the Python original tell less:
//! [`needs`](crate::crash::detector::CrashDetector::needs) says what a detector cannot do without.
//!
//! # Thresholds
//!
//! [`start`](crate::crash::detector::CrashDetector::start) is told the level that the run asks for;
//! [`by_level`](crate::crash::detector::by_level) picks a number for each. Anything that the detector keeps between
//! steps must be forgotten here: one World makes one run after another.
//!
//! # Several at once
//!
//! Every detector judges every step and none stops another. The first flag of a run makes its `crash_type`; where
//! several flag in one step, the built-in ones come first, in the order of their table, then the others by name.
//! `crash_types` lists all that ever fired.
//!
//! The README has a whole detector; `examples/hoarding_detector.rs` is the same as a program.
