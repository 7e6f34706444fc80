//! The warehouse: SKUs on shelves, customers who order them, and an agent that buys and ships.

pub mod agent;
pub mod customer;
pub mod dock;
pub mod forecast;
pub mod hash;
pub mod level;
pub mod policy;
pub mod shown;
pub mod sku;
pub mod spawn;
pub mod tool;

use bevy::app::{App, Plugin};
use bevy::prelude::IntoScheduleConfigs;

use crate::engine::run_state::RunStateAppExt;
use crate::step::{EveningSystems, MorningSystems, PostAgent, PreAgent, RecordSystems};

/// The warehouse: its systems and its tools.
#[derive(Clone, Copy, Debug, Default)]
pub struct WarehousePlugin;

impl Plugin for WarehousePlugin {
    fn build(&self, app: &mut App) {
        // The system in Record chains what of it decides into the hash.
        app.add_spawned_run_resource::<level::Level>()
            .add_spawned_run_resource::<sku::Shelves>()
            .add_spawned_run_resource::<customer::Demand>()
            .add_spawned_run_resource::<customer::Customers>()
            .add_spawned_run_resource::<shown::ShownState>();
        app.add_systems(
            PreAgent,
            (
                dock::deliver_due_orders.in_set(MorningSystems::Arrive),
                customer::receive_customer_requests.in_set(MorningSystems::Demand),
            ),
        );
        app.add_systems(
            PostAgent,
            (
                (sku::charge_storage_fees, customer::expire_customer_orders).chain().in_set(EveningSystems::Close),
                hash::hash_warehouse.in_set(RecordSystems::Hash),
            ),
        );
        tool::register(app);
    }
}
