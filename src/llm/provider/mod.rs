//! Language models over HTTP: which server answers for a model, what goes over the wire, and the outcome of each request.
//!
//! Nothing here touches the World. A call is a body of bytes with a ticket; what comes back is one [`attempt::Attempt`]
//! after another. Whatever else is known of a call (the reply, its usage, its cost) is read out of its attempts, so a
//! recording of them is enough to repeat a run without a network.
//!
//! - [`attempt`]: the outcome of one request
//! - [`reply`]: what a model said
//! - [`transport`]: how requests get there and answers back
//! - [`dialect`]: how a model is asked, and how its answer is read
//! - [`settings`]: at which server, and on which terms
//! - [`cost`], [`budget`], [`limits`]: what calls cost, and what a run and an experiment may use
//! - [`mock`], [`recording`]: replies without a server
//! - [`cassette`], [`wire`]: what was answered, kept and played
//! - [`backend`]: all of it made ready before the first run

pub mod attempt;
pub mod backend;
pub mod budget;
pub mod cassette;
pub mod cost;
pub mod dialect;
mod lenient;
pub mod limits;
pub mod mock;
pub mod recording;
pub mod reply;
pub mod settings;
pub mod transport;
mod trial;
pub mod wire;
