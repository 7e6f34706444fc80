//! Which pending orders and suppliers carry which shocks.
//!
//! An order may carry several shocks and a shock may strike several orders, so a relation is an entity of its own: a
//! link, with one relationship to the shock and one to the carrier. It goes when either of them does. Postings are no
//! entities; a shock that only late postings carry has no links.
//!
//! Links show what the world holds already (the causes of each order in [`InTransit`], the targets of shocks that
//! last); no rule reads them. Their order says nothing: sort by ids.

use bevy::ecs::system::SystemParam;
use bevy::prelude::*;
use smallvec::SmallVec;

use super::entity::{Lasting, Shock, Target};
use crate::base::ids::{ShockId, SupplierId};
use crate::engine::orders::{InTransit, Orders};
use crate::engine::run_state::RunScoped;
use crate::engine::suppliers::{Suppliers, Terms};

/// A link: what of its carrier a shock has changed.
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[require(RunScoped)]
pub enum ShockLink {
    /// The day on which an order arrives.
    Day,
    /// The day on which an order arrives, which the supplier has told of, or the shock was over: it misleads only who
    /// has old news.
    ToldDay,
    /// The quantity that arrives.
    Quantity,
    /// The agreed price of an order.
    Price,
    /// What a supplier offers, as long as the shock lasts.
    Offer,
}

/// The shock of a link.
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq)]
#[relationship(relationship_target = ShockLinks)]
pub struct LinkOf(pub Entity);

/// The links of a shock.
#[derive(Component, Clone, Debug, Default)]
#[relationship_target(relationship = LinkOf, linked_spawn)]
pub struct ShockLinks(SmallVec<[Entity; 2]>);

/// The order or supplier of a link.
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq)]
#[relationship(relationship_target = CarriedShocks)]
pub struct CarriedBy(pub Entity);

/// The links of a pending order or a supplier to the shocks that it carries.
#[derive(Component, Clone, Debug, Default)]
#[relationship_target(relationship = CarriedBy, linked_spawn)]
pub struct CarriedShocks(SmallVec<[Entity; 2]>);

/// Follows shocks to their carriers, and carriers to their shocks.
///
/// ```
/// use vendomini::prelude::*;
/// use vendomini::shock::relations::{ShockLink, ShockTrail};
///
/// /// How many pending orders will come on another day than was promised.
/// fn count_delayed(orders: Query<(Entity, &PurchaseOrder)>, trail: ShockTrail) -> usize {
///     let delayed = |order: Entity| trail.shocks_of(order).iter().any(|(_, link)| *link == ShockLink::Day);
///     orders.iter().filter(|(order, _)| delayed(*order)).count()
/// }
/// # bevy::ecs::system::assert_is_read_only_system(count_delayed);
/// ```
#[derive(SystemParam)]
pub struct ShockTrail<'w, 's> {
    shocks: Query<'w, 's, (&'static Shock, Option<&'static ShockLinks>)>,
    carriers: Query<'w, 's, &'static CarriedShocks>,
    links: Query<'w, 's, (&'static ShockLink, &'static LinkOf, &'static CarriedBy)>,
}

impl ShockTrail<'_, '_> {
    /// The shocks that a pending order or a supplier carries, and what each changed, by id.
    #[must_use]
    pub fn shocks_of(&self, carrier: Entity) -> SmallVec<[(ShockId, ShockLink); 4]> {
        let links = self.carriers.get(carrier).map(RelationshipTarget::iter);
        let mut shocks: SmallVec<[(ShockId, ShockLink); 4]> = links
            .into_iter()
            .flatten()
            .filter_map(|link| {
                let (link, shock, _) = self.links.get(link).ok()?;
                Some((self.shocks.get(shock.0).ok()?.0.id, *link))
            })
            .collect();
        shocks.sort_unstable();
        shocks
    }

    /// The pending orders and suppliers that carry a shock, and what it changed of each. In no order that means
    /// anything; one of which two things changed is there twice.
    pub fn carriers_of(&self, shock: Entity) -> impl Iterator<Item = (Entity, ShockLink)> + '_ {
        let links = self.shocks.get(shock).ok().and_then(|(_, links)| links).map(RelationshipTarget::iter);
        links.into_iter().flatten().filter_map(|link| {
            let (link, _, carrier) = self.links.get(link).ok()?;
            Some((carrier.0, *link))
        })
    }
}

/// A link from a shock to what carries it.
pub(super) fn link(link: ShockLink, shock: Entity, carrier: Entity) -> impl Bundle {
    (link, LinkOf(shock), CarriedBy(carrier))
}

/// The shocks that terms of a supplier bring to an order.
pub(super) fn of_terms(terms: &Terms) -> impl Iterator<Item = (ShockId, ShockLink)> {
    let day = if terms.lead_is_hidden { ShockLink::Day } else { ShockLink::ToldDay };
    let lead = terms.lead_shock.map(|shock| (shock, day));
    lead.into_iter().chain(terms.price_shock.map(|shock| (shock, ShockLink::Price)))
}

/// The shocks that a pending order carries, each as often as it does.
fn of_order(transit: &InTransit) -> impl Iterator<Item = (ShockId, ShockLink)> + '_ {
    let kinds = [
        (&transit.day_shocks, ShockLink::Day),
        (&transit.told_shocks, ShockLink::ToldDay),
        (&transit.quantity_shocks, ShockLink::Quantity),
        (&transit.price_shocks, ShockLink::Price),
    ];
    kinds.into_iter().flat_map(|(shocks, link)| shocks.iter().map(move |shock| (*shock, link)))
}

/// Pending orders and what a shock changed of each.
pub(super) type Carriers = SmallVec<[(Entity, ShockLink); 4]>;

/// The pending orders that carry a shock, as often as they do, by id.
pub(super) fn carriers(id: ShockId, world: &World) -> Carriers {
    let mut carriers = Carriers::new();
    for order in world.resource::<Orders>().entities() {
        let Some(transit) = world.get::<InTransit>(order) else { continue };
        carriers.extend(of_order(transit).filter(|(shock, _)| *shock == id).map(|(_, link)| (order, link)));
    }
    carriers
}

/// The supplier whose offers a shock changes while it lasts.
pub(super) fn supplier_of(target: &Target, lasting: Lasting, world: &World) -> Option<Entity> {
    let supplier: SupplierId = target.supplier.filter(|_| lasting.goes_on())?;
    world.resource::<Suppliers>().by_id().get(supplier.index()).copied()
}

/// A shock that lasted is over: its supplier does not carry it any more.
pub(super) fn release_supplier(mut shock: EntityWorldMut) {
    let Some(links) = shock.get::<ShockLinks>().map(|links| links.0.clone()) else { return };
    shock.world_scope(|world| {
        for link in links {
            if world.get(link) == Some(&ShockLink::Offer) {
                world.despawn(link);
            }
        }
    });
}

/// Links a shock to all that carries it.
pub(super) fn spawn_links(shock: Entity, orders: Carriers, supplier: Option<Entity>, world: &mut World) {
    let supplier = supplier.map(|supplier| (supplier, ShockLink::Offer));
    for (carrier, kind) in orders.into_iter().chain(supplier) {
        world.spawn(link(kind, shock, carrier));
    }
}
