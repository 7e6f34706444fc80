//! Agents that are language models: what they are told, what they are asked, what is made of their replies.
//!
//! A [`Deliberation`](deliberation::Deliberation) is the agent of one run. It never waits and never touches a socket:
//! it says what to ask and is told what came of it, so the same code serves a live run, a recorded one and a thousand
//! at a time. The `batch` drives it; what goes over the wire is `agent::provider`'s, what a reply says `agent::reply`'s.
//!
//! - [`prompt`]: templates, and the texts that they make
//! - [`conversation`]: what was said so far, as far as it fits
//! - [`deliberation`]: one step after the other
//! - [`record`]: the lines that it leaves in `deliberations.jsonl` and `events.jsonl`
//! - [`account`]: what it took
//! - `served`: which model it was

pub mod account;
pub mod conversation;
pub mod deliberation;
pub mod prompt;
pub mod provider;
pub mod record;
pub mod reply;
mod served;
