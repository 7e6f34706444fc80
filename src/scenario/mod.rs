//! Scenarios: what exists besides time, money, suppliers, orders and messages.

pub mod warehouse;
