//! What an action will do, as far as an agent was shown.

use crate::base::units::Cents;

/// What the action will do, as far as the shown state tells: the basis of honest cards, of the reference policy's
/// answer, and of the judgement whether a wrong statement could have been known to be wrong.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Forecast {
    /// Whether it succeeds.
    pub success: bool,
    /// Day on which the order arrives.
    pub delivery_day: Option<f64>,
    /// Units that are taken in.
    pub quantity: Option<f64>,
    /// Amount that is charged, in currency units.
    pub cost: Option<f64>,
    /// Stock right after it, in units: of the action's subject, or of all.
    pub storage_after: i64,
    /// Budget right after it.
    pub budget_after: Cents,
    /// Values of the card fields that the scenario adds, by their keys.
    pub own: Vec<(&'static str, f64)>,
}

impl Forecast {
    /// The value of a card field that the scenario adds; `None` where nothing tells it.
    #[must_use]
    pub fn own(&self, key: &str) -> Option<f64> {
        self.own.iter().find(|(known, _)| *known == key).map(|(_, value)| *value)
    }
}
