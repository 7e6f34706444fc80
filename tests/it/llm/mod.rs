//! Whole runs of language models, through the program itself, against a server that goes wrong in every way.
//!
//! [`Study`] is an experiment in a folder of its own, and [`model`] the model that all tests ask: it does the same in
//! a step whatever it is asked in, so what must stand in the records is known.

mod faults;
mod model;
mod study;
