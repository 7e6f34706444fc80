//! What a third party can do with public items alone, and what it is told when it does it wrong.

mod defects;
mod examples;
mod guests;
mod names;
mod problems;
mod stranger;
mod together;
