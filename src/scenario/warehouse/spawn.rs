//! The world of day 0, and its end: everything a run spawned goes, the World stays for the next run.

use std::sync::Arc;

use bevy::prelude::*;

use crate::base::ids::{SkuId, SupplierId};
use crate::base::rng::{Stream, pair_index};
use crate::base::units::Cents;
use crate::config::settings::RunConfig;
use crate::engine::inbox::{Inbox, MessageBody, PriceListItem};
use crate::engine::run_state::SpawnOrder;
use crate::engine::suppliers::{Catalogue, Offer, Supplier, Suppliers};
use crate::scenario::warehouse::customer::{Customers, Demand};
use crate::scenario::warehouse::level::Level;
use crate::scenario::warehouse::sku::{Shelves, Sku, Stock};

/// Streams of this file, with their versions.
pub const STREAMS: [(&str, u32); 3] = [("supplier.price", 1), ("supplier.lead_time", 1), ("supplier.reliability", 1)];

/// Unit prices are uniform between these, in whole cents.
const PRICE: (u32, u32) = (500, 5_000);

/// Reliabilities are uniform between these.
const RELIABILITY: (f64, f64) = (0.85, 0.99);

/// What the day-0 draws of a run say.
#[derive(Clone, Debug)]
pub struct Tables {
    /// By supplier, then SKU.
    pub offers: Vec<Vec<Offer>>,
    /// By supplier.
    pub reliability: Vec<f64>,
    /// By SKU.
    pub sale_price: Vec<Cents>,
}

impl Tables {
    /// Draws the suppliers of a run. A level only maps the draws: common SKUs and suppliers have the same prices
    /// at every level.
    #[must_use]
    pub fn draw(config: &RunConfig) -> Tables {
        let level = Level::new(config.simulation.complexity_level);
        let key = config.experiment.draw_key;
        let mut price = Stream::of_pairs(key, STREAMS[0]);
        let mut lead = Stream::of_pairs(key, STREAMS[1]);
        let mut reliability = Stream::new(key, STREAMS[2]);
        let offers: Vec<Vec<Offer>> = (0..level.suppliers)
            .map(|supplier| {
                (0..level.skus)
                    .map(|sku| Offer {
                        unit_price: Cents(i64::from(price.integer(0, pair_index(supplier, sku), PRICE.0, PRICE.1))),
                        lead_days: lead.integer(0, pair_index(supplier, sku), 1, level.max_lead_days),
                    })
                    .collect()
            })
            .collect();
        let reliability =
            (0..level.suppliers).map(|s| reliability.real(0, s as u64, RELIABILITY.0, RELIABILITY.1)).collect();
        let cheapest =
            |sku: usize| offers.iter().map(|offers| offers[sku].unit_price).min().expect("a supplier exists");
        let sale_price = (0..level.skus).map(|sku| cheapest(sku).scaled(config.demand.sale_markup)).collect();
        Tables { offers, reliability, sale_price }
    }
}

/// Spawns the warehouse of day 0 with a price list of every supplier in the inbox.
pub(crate) fn spawn_warehouse(world: &mut World, config: &RunConfig, order: SpawnOrder) {
    let simulation = &config.simulation;
    let level = Level::new(simulation.complexity_level);
    let tables = Tables::draw(config);
    let stock = simulation.initial_storage_per_sku;

    let mut skus = vec![Entity::PLACEHOLDER; level.skus];
    for index in order.of(level.skus) {
        let sku = Sku { id: SkuId(index as u32), sale_price: tables.sale_price[index] };
        skus[index] = world.spawn((sku, Stock::new(stock))).id();
    }
    let mut suppliers = vec![Entity::PLACEHOLDER; level.suppliers];
    for index in order.of(level.suppliers) {
        let supplier = Supplier { id: SupplierId::from_index(index), reliability: tables.reliability[index] };
        suppliers[index] = world.spawn((supplier, Catalogue(tables.offers[index].clone()))).id();
    }
    let on_hand = stock * level.skus as u32;
    world.insert_resource(Shelves {
        by_id: skus,
        capacity: simulation.storage_capacity,
        fee_per_unit: simulation.storage_fee,
        on_hand,
        initial: u64::from(on_hand),
        delivered: 0,
        shipped: 0,
    });
    world.insert_resource(Suppliers { by_id: suppliers });
    world.insert_resource(Demand::new(&config.demand, level.skus, config.experiment.draw_key));
    world.insert_resource(Customers::default());

    let mut inbox = world.resource_mut::<Inbox>();
    for (index, offers) in tables.offers.iter().enumerate() {
        let items: Arc<[PriceListItem]> = offers
            .iter()
            .enumerate()
            .map(|(sku, offer)| PriceListItem {
                sku: SkuId(sku as u32),
                unit_price: offer.unit_price,
                lead_days: offer.lead_days,
            })
            .collect();
        inbox.deliver(0, MessageBody::PriceList { supplier_id: SupplierId::from_index(index), items });
    }
}
