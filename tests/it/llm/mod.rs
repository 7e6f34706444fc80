//! Whole runs of language models, through the program itself, against a server that goes wrong in every way.
//!
//! [`study`] is an experiment in a folder of its own, and [`model`] the model that all tests ask: it does the same in
//! a step whatever it is asked in, so what must stand in the records is known.
//!
//! - [`beginning`]: keys, servers, pins and prompts, before the first run
//! - [`prompts`], [`dialogue`]: what a model is told, and what is made of its replies
//! - [`faults`]: what a server can do wrong
//! - [`limits`], [`waiting`]: tokens and money, time and requests in flight
//! - [`going_on`], [`repeating`]: `run --resume` and `replay`
//! - [`resuming`]: what `--resume` leaves alone, and what it never loses
//! - [`recordings`]: runs without a server, and the history of all

mod beginning;
mod dialogue;
mod faults;
mod going_on;
mod limits;
mod model;
mod prompts;
mod recordings;
mod repeating;
mod resuming;
mod study;
mod waiting;
