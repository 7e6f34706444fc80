//! The state hash: a chained fingerprint of the world after each step.
//!
//! Algorithm `xxh3-128/1`: XXH3 with 128 bits over the previous hash (16 bytes, little endian) and the canonical
//! bytes of the world, which the run's scenario writes. Static tables enter once, into the start value. The inbox and
//! whatever else is only shown does not enter, so observability cannot change a hash. Where plugins have
//! [state of their own](crate::engine::run_state), a second link of the same kind follows in each step.

use xxhash_rust::xxh3::xxh3_128;

/// Name and version of the algorithm, as the manifest states it.
pub const ALGORITHM: &str = "xxh3-128/1";

/// The canonical bytes of one link of the chain.
#[derive(Clone, Debug, Default)]
pub struct StateBytes(Vec<u8>);

impl StateBytes {
    /// Adds a number: 8 bytes, little endian.
    pub fn put(&mut self, number: impl Into<i64>) {
        self.0.extend_from_slice(&number.into().to_le_bytes());
    }

    /// Adds bytes as they are. Whoever adds bytes of changing length says where they end.
    pub fn put_bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
}

/// The chain of state hashes.
#[derive(Clone, Debug)]
pub struct StateHash {
    value: u128,
    bytes: StateBytes,
}

crate::base::table_resource::table_resource!(StateHash);

impl StateHash {
    /// The start of the chain, from the static tables and rules of the run that `fill` writes.
    #[must_use]
    pub fn start(fill: impl FnOnce(&mut StateBytes)) -> StateHash {
        let mut bytes = StateBytes(Vec::with_capacity(1024));
        bytes.put_bytes(ALGORITHM.as_bytes());
        fill(&mut bytes);
        StateHash { value: xxh3_128(&bytes.0), bytes }
    }

    /// Adds a link: what `fill` writes of the world after this step.
    pub fn link(&mut self, fill: impl FnOnce(&mut StateBytes)) {
        self.bytes.0.clear();
        self.bytes.put_bytes(&self.value.to_le_bytes());
        fill(&mut self.bytes);
        self.value = xxh3_128(&self.bytes.0);
    }

    /// The hash so far.
    #[must_use]
    pub fn value(&self) -> u128 {
        self.value
    }
}
