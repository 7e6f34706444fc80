//! What is true right after an action, as far as cards speak of it.

use crate::base::units::Units;

/// What is true right after the action. The scenario writes it in
/// [`ActSystems::Truth`](crate::step::ActSystems::Truth), before predictions bind, and `stock` again in
/// [`RecordSystems::Hash`](crate::step::RecordSystems::Hash), when the step is over.
#[derive(Clone, Debug, Default)]
pub struct Truth {
    /// Stock of what the action is about, in units; `None` when it is about nothing.
    pub stock_of_subject: Option<Units>,
    /// Stock in all, in units.
    pub stock: Units,
    /// The truth of the causal card fields that the scenario adds, by their keys.
    pub own: Vec<(&'static str, f64)>,
}

crate::base::table_resource::table_resource!(Truth);

impl Truth {
    /// The stock that `expected_storage_after` speaks of.
    #[must_use]
    pub fn storage_after(&self) -> Units {
        self.stock_of_subject.unwrap_or(self.stock)
    }

    /// The truth of a causal card field that the scenario adds.
    #[must_use]
    pub fn own(&self, key: &str) -> Option<f64> {
        self.own.iter().find(|(known, _)| *known == key).map(|(_, value)| *value)
    }
}
