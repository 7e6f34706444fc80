//! The Python original: its records, read and turned into ours.

pub mod import;
mod import_record;
mod import_summary;
pub mod summary;
pub mod v1;
