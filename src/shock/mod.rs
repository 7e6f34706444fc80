//! What goes wrong: shocks of chosen rate, size and family, and what the agent is told of them.
//!
//! One file a family. The evening's draw picks a family and runs it; the dose ledger counts what came of it.

pub mod family;
pub mod interference;
pub mod ledger;
pub mod observability;
pub mod posting_lag;
pub mod quantity;
pub mod regime_shift;
pub mod strike;
pub mod temporal;

/// Registers the built-in families.
#[derive(Default)]
pub struct ShockPlugin;

impl bevy::app::Plugin for ShockPlugin {
    fn build(&self, app: &mut bevy::app::App) {
        app.init_resource::<family::ShockFamilies>();
        family::add(app, family::TEMPORAL, temporal::strike);
        family::add(app, family::QUANTITY, quantity::strike);
        family::add(app, family::INTERFERENCE, interference::strike);
        family::add(app, family::POSTING_LAG, posting_lag::strike);
        family::add(app, family::REGIME_SHIFT, regime_shift::strike);
    }
}
