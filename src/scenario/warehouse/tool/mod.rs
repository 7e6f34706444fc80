//! Tools of the warehouse.

pub mod customer;
pub mod supplier;
