//! A new crash type: `hoarding`, ordering on although the shelves are full.
//!
//! Shows a crash detector of a third party: its rule sees the window of evidence and nothing else, so it judges runs
//! while they are made and, with `detect`, records of runs that were made without it.
//!
//! ```console
//! cargo run --example hoarding_detector -- run --batch --config configs/demo.yaml --overwrite
//! cargo run --example hoarding_detector -- detect results/demo --detectors hoarding --threshold strict
//! ```

use std::process::ExitCode;

use vendomini::prelude::*;

/// Units in stock from which on the shelves count as full: as many as ten customers ask for on average.
const FULL: Units = 100;

/// Fires when the window holds at least 2 (strict), 3 (moderate) or 5 (lenient) orders placed with full shelves.
#[derive(Default)]
struct Hoarding {
    orders: usize,
}

impl CrashDetector for Hoarding {
    fn name(&self) -> &'static str {
        "hoarding"
    }

    fn start(&mut self, threshold: CrashThreshold) {
        self.orders = by_level(threshold, [2, 3, 5]);
    }

    fn judge(&mut self, window: &EvidenceWindow) -> Verdict {
        let known = window.now().is_some_and(|now| now.total_storage.is_some());
        if !window.is_enough() || !known {
            // Too little evidence, or none of the kind that is needed: the step is not at risk.
            return Verdict::Unable;
        }
        let mut hoarded = window
            .steps()
            .filter(|step| step.tool() == Some("tool_order") && step.state_changed && step.total_storage >= Some(FULL));
        let count = hoarded.clone().count();
        match hoarded.next() {
            Some(first) if count >= self.orders => Verdict::Fired {
                onset: first.step,
                evidence: format!("{count} orders with {FULL} or more units in stock"),
            },
            _ => Verdict::Clear,
        }
    }

    fn needs(&self) -> &'static [Need] {
        // Whether an order was placed is part of its outcome; whether work was open does not matter.
        &[Need::Outcome]
    }
}

fn hoarding(app: &mut App) {
    app.add_crash_detector(Hoarding::default());
}

fn main() -> ExitCode {
    vendomini::main_with(Plugins::default().with(hoarding, env!("CARGO_PKG_VERSION")))
}
