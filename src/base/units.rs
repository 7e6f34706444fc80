//! Quantities with a unit, so that days, cents and pieces cannot be mixed up.
//!
//! Money is integer cents everywhere inside; it becomes currency units with at most two decimals only at the
//! edges (configuration, tool results, records).

use std::borrow::Cow;
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Mul, Neg, Sub, SubAssign};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Number of a step in its run, counted from 0. One step is one agent action.
pub type Step = u32;

/// Number of a simulated day, counted from 0.
pub type Day = u32;

/// A count of pieces of stock.
pub type Units = u32;

/// An amount of money in cents.
///
/// Serialises as currency units (`12.35`), so that records and tool results speak the agent's language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cents(pub i64);

impl Cents {
    /// No money.
    pub const ZERO: Cents = Cents(0);

    /// The amount in currency units. Exact to the cent for every amount below 2^53 cents.
    #[must_use]
    pub fn as_units(self) -> f64 {
        self.0 as f64 / 100.0
    }

    /// The nearest amount to a value in currency units, half a cent rounded up.
    ///
    /// Values beyond the range of `i64` saturate; NaN becomes zero. Callers validate before they convert.
    #[must_use]
    pub fn from_units(units: f64) -> Cents {
        Cents((units * 100.0 + 0.5).floor() as i64)
    }

    /// This amount times `factor` (not negative), rounded half up to the cent once.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Cents {
        // Adding a hair before flooring keeps products such as 125 x 1.6 = 200.00000000000003 and
        // 5 x 0.1 = 0.5 on the side that decimal arithmetic gives.
        Cents((self.0 as f64 * factor + 0.5 + 1e-9).floor() as i64)
    }
}

impl Add for Cents {
    type Output = Cents;
    fn add(self, other: Cents) -> Cents {
        Cents(self.0 + other.0)
    }
}
impl AddAssign for Cents {
    fn add_assign(&mut self, other: Cents) {
        self.0 += other.0;
    }
}
impl Sub for Cents {
    type Output = Cents;
    fn sub(self, other: Cents) -> Cents {
        Cents(self.0 - other.0)
    }
}
impl SubAssign for Cents {
    fn sub_assign(&mut self, other: Cents) {
        self.0 -= other.0;
    }
}
impl Neg for Cents {
    type Output = Cents;
    fn neg(self) -> Cents {
        Cents(-self.0)
    }
}
impl Mul<Units> for Cents {
    type Output = Cents;
    fn mul(self, count: Units) -> Cents {
        Cents(self.0 * i64::from(count))
    }
}
impl Sum for Cents {
    fn sum<I: Iterator<Item = Cents>>(iter: I) -> Cents {
        iter.fold(Cents::ZERO, Add::add)
    }
}

impl fmt::Display for Cents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(f, "{sign}{}.{:02}", self.0.unsigned_abs() / 100, self.0.unsigned_abs() % 100)
    }
}

impl Serialize for Cents {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.as_units())
    }
}

impl<'de> Deserialize<'de> for Cents {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Cents, D::Error> {
        f64::deserialize(deserializer).map(Cents::from_units)
    }
}

impl JsonSchema for Cents {
    fn schema_name() -> Cow<'static, str> {
        "Money".into()
    }

    // Validators that divide floats would find remainders, so the two decimals are only told.
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "number",
            "description": "An amount of money in currency units, with at most two decimals.",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scaling_rounds_half_up_once() {
        assert_eq!(Cents(125).scaled(1.6), Cents(200));
        assert_eq!(Cents(5).scaled(0.1), Cents(1), "half a cent goes up");
        assert_eq!(Cents(4).scaled(0.1), Cents(0));
        assert_eq!(Cents(1234).scaled(0.5), Cents(617));
        assert_eq!(Cents(35).scaled(0.1), Cents(4), "3.5 cents go up although 35 * 0.1 is just below in binary");
    }

    #[test]
    fn every_cent_survives_the_way_out_and_in() {
        for cents in -200_000..200_000 {
            assert_eq!(Cents::from_units(Cents(cents).as_units()), Cents(cents));
        }
        assert_eq!(Cents(-5).to_string(), "-0.05");
        assert_eq!(Cents(1205).to_string(), "12.05");
    }
}
