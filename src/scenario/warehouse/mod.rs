//! The warehouse: SKUs on shelves, customers who order them, and an agent that buys and ships.

pub mod agent;
pub mod customer;
pub mod dock;
pub mod forecast;
pub mod hash;
pub mod level;
pub mod policy;
pub mod rules;
pub mod scene;
pub mod shown;
pub mod sku;
pub mod spawn;
pub mod tool;

use bevy::app::{App, Plugin};
use bevy::prelude::IntoScheduleConfigs;

use crate::engine::run_state::RunStateAppExt;
use crate::step::{ActSystems, EveningSystems, MorningSystems, ObserveSystems, PostAgent, PreAgent, RecordSystems};

/// Its name, the value of `simulation.scenario`.
pub const NAME: &str = crate::config::schema::WAREHOUSE;

/// The warehouse: its systems and its tools.
#[derive(Clone, Copy, Debug, Default)]
pub struct WarehousePlugin;

impl Plugin for WarehousePlugin {
    fn build(&self, app: &mut App) {
        // The system in Record chains what of it decides into the hash.
        app.add_spawned_run_resource::<sku::Shelves>()
            .add_spawned_run_resource::<customer::Demand>()
            .add_spawned_run_resource::<customer::Customers>();
        app.add_systems(
            PreAgent,
            (
                dock::deliver_due_orders.in_set(MorningSystems::Arrive),
                customer::receive_customer_requests.in_set(MorningSystems::Demand),
                scene::describe_warehouse.in_set(ObserveSystems::Scene),
            ),
        );
        app.add_systems(
            PostAgent,
            (
                scene::tell_truth.in_set(ActSystems::Truth),
                (sku::charge_storage_fees, customer::expire_customer_orders).chain().in_set(EveningSystems::Close),
                (hash::hash_warehouse, scene::tell_stock_after).in_set(RecordSystems::Hash),
            ),
        );
        tool::register(app);
    }
}
