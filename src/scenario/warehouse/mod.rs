//! The warehouse: SKUs on shelves, customers who order them, and an agent that buys and ships.

pub mod agent;
pub mod customer;
pub mod forecast;
pub mod level;
pub mod policy;
pub mod shown;
pub mod sku;
pub mod spawn;
pub mod tool;
