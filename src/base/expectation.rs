//! A bound prediction that waits for its outcome.

use crate::base::error_type::ErrorType;
use crate::base::units::Step;

/// What the reference policy would have stated of an order, given what was shown; `None` where it would not know.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reference {
    /// Day of arrival.
    pub day: Option<f64>,
    /// Units taken in.
    pub quantity: Option<f64>,
    /// Amount charged.
    pub cost: Option<f64>,
    /// Day from which the lead time counts.
    pub from_day: f64,
}

/// One (card, error type) pair bound to a pending order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Expectation {
    /// Step of the card.
    pub made_on: Step,
    /// What it is about.
    pub kind: ErrorType,
    /// The stated value: day, units or currency units.
    pub expected: f64,
    /// Day from which a temporal error's lead time counts: that of the action that bound it.
    pub from_day: f64,
    /// Whether it differs from what the supplier said when it bound: then a shock that the agent has old news of can
    /// have misled it.
    pub misled: bool,
}
