//! Tools of the warehouse, one file a family.

pub(crate) mod customer;
pub(crate) mod help;
pub(crate) mod look;
pub mod supplier;

use bevy::app::App;

/// Registers them.
pub(crate) fn register(app: &mut App) {
    supplier::register(app);
    customer::register(app);
    look::register(app);
    help::register(app);
}
