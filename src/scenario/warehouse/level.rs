//! What a complexity level means: the size of the world and its tools.

use crate::base::units::Day;
use crate::config::schema::skus_at_level;
use crate::tool::registry::Condition;

/// Runs at a level with expedite.
pub static HAS_EXPEDITE: Condition = Condition {
    when: "from complexity level 2",
    holds: |config| Level::new(config.simulation.complexity_level).has_expedite(),
};

/// The size of the world at a complexity level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// The level, 0 to 4.
    pub number: u32,
    /// How many SKUs exist.
    pub skus: usize,
    /// How many suppliers exist.
    pub suppliers: usize,
    /// Longest lead time of a supplier, in days; the shortest is 1.
    pub max_lead_days: Day,
}

impl Level {
    /// The world of a level: 5 SKUs and 2 suppliers at level 0, 5 and 1 more with each level.
    #[must_use]
    pub fn new(number: u32) -> Level {
        Level {
            number,
            skus: skus_at_level(number) as usize,
            suppliers: number as usize + 2,
            max_lead_days: 5 + number,
        }
    }

    /// Whether orders can be expedited.
    #[must_use]
    pub fn has_expedite(&self) -> bool {
        self.number >= 2
    }
}
