//! The spellings of a key. Older files write `env` for `simulation`, `agent.model` for `model` and so on; every
//! layer is brought to the canonical spelling here before layers are merged.
//!
//! Called wherever a dotted path comes in: mappings, `grid`, `fixed`, `--set`, `experiment.paired_over`.

use std::sync::LazyLock;

use super::error::nearest;
use super::schema::{Entry, SCHEMA};

/// Sections with a second name: (canonical, other).
const SECTIONS: &[(&str, &str)] = &[
    ("simulation", "env"),
    ("model", "agent.model"),
    ("interface", "agent.interface"),
    ("demand", "simulation"),
    ("demand", "env"),
];

/// Single keys with a second name: (canonical, other).
const KEYS: &[(&str, &str)] = &[
    ("measurement.crash_threshold", "crash_detector.threshold"),
    ("measurement.window_size", "crash_detector.window_size"),
    ("measurement.continue_after_crash", "crash_detector.continue_after_crash"),
    ("simulation.max_steps", "max_steps"),
    ("experiment.replications", "replications"),
];

/// Keys of a file that are not settings.
pub(crate) const STRUCTURE: &[&str] = &["inherit", "grid", "fixed", "max_steps_by_level", "providers"];

/// Every accepted spelling with its entry, the canonical ones first.
static SPELLINGS: LazyLock<Vec<(String, &'static Entry)>> = LazyLock::new(|| {
    let canonical = SCHEMA.iter().map(|entry| (entry.path.to_owned(), entry));
    let by_section = SECTIONS.iter().flat_map(|(section, other)| {
        SCHEMA.iter().filter_map(move |entry| {
            let key = entry.path.strip_prefix(section)?.strip_prefix('.')?;
            Some((format!("{other}.{key}"), entry))
        })
    });
    let single = KEYS.iter().flat_map(|&(path, other)| {
        SCHEMA.iter().filter(move |entry| entry.path == path).map(move |entry| (other.to_owned(), entry))
    });
    canonical.chain(by_section).chain(single).collect()
});

/// Every accepted spelling with its entry, the canonical ones first.
pub(crate) fn all() -> impl Iterator<Item = (&'static str, &'static Entry)> {
    SPELLINGS.iter().map(|(spelling, entry)| (spelling.as_str(), *entry))
}

/// The entry that a path in any spelling means.
pub(crate) fn entry(path: &str) -> Option<&'static Entry> {
    SPELLINGS.iter().find(|(spelling, _)| spelling == path).map(|(_, entry)| *entry)
}

/// Whether some key in some spelling lies below this path.
pub(crate) fn is_section(path: &str) -> bool {
    SPELLINGS.iter().any(|(spelling, _)| is_below(spelling, path))
}

/// Whether `path` lies below `section`.
pub(crate) fn is_below(path: &str, section: &str) -> bool {
    path.strip_prefix(section).is_some_and(|rest| rest.starts_with('.'))
}

/// The canonical keys and sections that a key or section in any spelling means; `None` when it means nothing.
pub(crate) fn canonical_group(path: &str) -> Option<Vec<&str>> {
    if let Some(entry) = entry(path) {
        return Some(vec![entry.path]);
    }
    if SCHEMA.iter().any(|entry| is_below(entry.path, path)) {
        return Some(vec![path]);
    }
    if let Some((canonical, _)) = SECTIONS.iter().find(|(_, other)| *other == path) {
        return Some(vec![canonical]);
    }
    // `agent` and `crash_detector` are no section of ours: they mean what lies below them.
    let sections = SECTIONS.iter().filter(|(_, other)| is_below(other, path)).map(|(canonical, _)| *canonical);
    let keys = KEYS.iter().filter(|(_, other)| is_below(other, path)).map(|(canonical, _)| *canonical);
    let below: Vec<&str> = sections.chain(keys).collect();
    (!below.is_empty()).then_some(below)
}

/// The known key or section that an unknown path most likely means.
pub(crate) fn suggestion(path: &str) -> Option<String> {
    let last = |path: &str| path.rsplit('.').next().map(str::to_owned).unwrap_or_default();
    let wanted = last(path);
    // The right key in the wrong section comes before a similar path.
    if let Some((spelling, _)) = SPELLINGS.iter().find(|(spelling, _)| last(spelling) == wanted) {
        return Some(spelling.clone());
    }
    let sections =
        SPELLINGS.iter().flat_map(|(spelling, _)| spelling.match_indices('.').map(|(end, _)| &spelling[..end]));
    let spellings = SPELLINGS.iter().map(|(spelling, _)| spelling.as_str());
    let similar = nearest(path, STRUCTURE.iter().copied().chain(sections).chain(spellings));
    let key_is_near = |candidate: &str| nearest(&wanted, [last(candidate).as_str()]).is_some();
    // A misspelled key in the wrong section comes before a path that is similar in its section only.
    let elsewhere = || SPELLINGS.iter().map(|(spelling, _)| spelling.as_str()).find(|spelling| key_is_near(spelling));
    similar.filter(|path| key_is_near(path)).or_else(elsewhere).or(similar).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(path: &str) -> Option<&'static str> {
        entry(path).map(|entry| entry.path)
    }

    #[test]
    fn both_spellings_mean_one_key() {
        for (spelling, path) in [
            ("env.max_steps", "simulation.max_steps"),
            ("max_steps", "simulation.max_steps"),
            ("agent.model.name", "model.name"),
            ("agent.interface.memory_tools", "interface.memory_tools"),
            ("crash_detector.threshold", "measurement.crash_threshold"),
            ("crash_detector.window_size", "measurement.window_size"),
            ("crash_detector.continue_after_crash", "measurement.continue_after_crash"),
            ("replications", "experiment.replications"),
            ("simulation.p_customer_order", "demand.p_customer_order"),
            ("env.due_days", "demand.due_days"),
        ] {
            assert_eq!(canonical(spelling), Some(path), "{spelling}");
            assert_eq!(canonical(path), Some(path));
        }
        assert_eq!(canonical("crash_detector.pe_windows"), None);
        assert_eq!(canonical("agent.name"), None);
    }

    /// Two entries under one spelling would make one of them unreachable.
    #[test]
    fn no_spelling_means_two_keys() {
        let mut spellings: Vec<_> = SPELLINGS.iter().map(|(spelling, _)| spelling).collect();
        spellings.sort();
        let all = spellings.len();
        spellings.dedup();
        assert_eq!(spellings.len(), all);
    }

    #[test]
    fn groups_are_canonical() {
        assert_eq!(canonical_group("pe_induction"), Some(vec!["pe_induction"]));
        assert_eq!(canonical_group("env"), Some(vec!["simulation"]));
        assert_eq!(canonical_group("agent"), Some(vec!["model", "interface"]));
        assert_eq!(canonical_group("agent.model.name"), Some(vec!["model.name"]));
        assert_eq!(
            canonical_group("crash_detector"),
            Some(vec!["measurement.crash_threshold", "measurement.window_size", "measurement.continue_after_crash"])
        );
        assert_eq!(canonical_group("pe_inductio"), None);
        assert_eq!(canonical_group(""), None);
    }

    #[test]
    fn suggestions_name_the_section() {
        for (wrong, right) in [
            ("interface.predicton_mode", "interface.prediction_mode"),
            ("agent.interface.predicton_mode", "agent.interface.prediction_mode"),
            ("pe_induction.initial_budget", "simulation.initial_budget"),
            ("simulaton", "simulation"),
            ("gird", "grid"),
            ("measurement.p_shok", "pe_induction.p_shock"),
        ] {
            assert_eq!(suggestion(wrong).as_deref(), Some(right), "{wrong}");
        }
        assert_eq!(suggestion("warp_drive.factor"), None);
    }
}
