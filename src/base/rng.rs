//! Keyed randomness: a draw is addressed by what it decides and is never consumed in sequence.
//!
//! A run has one [`DrawKey`]; a [`Stream`] of it is a ChaCha8 keystream whose key also covers the stream's name
//! and version. Within a stream, `position` is the day (0 for what is fixed for the whole run) and `index` the
//! supplier, SKU or field, with room for [`INDEXES`] of them. Asking for more draws in one place therefore
//! changes nothing elsewhere, and two runs that share a key share every draw whatever their agents do.

use std::fmt;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::base::hex;

/// How many indexes a position has. Levels use fewer; the width never changes, so levels share their draws.
pub const INDEXES: u64 = 64;

/// Width of a position in a stream that is addressed by (supplier, SKU).
const PAIR_INDEXES: u64 = 64 * INDEXES;

/// The 32 bytes from which all draws of a run follow.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct DrawKey([u8; 32]);

impl DrawKey {
    /// Derives the key of a run from the experiment's seed, the replication and the values of the axes that
    /// are not paired over, given as (canonical path, value as JSON text). The order of `axes` does not matter.
    #[must_use]
    pub fn derive(seed: u64, replication: u32, axes: &[(&str, String)]) -> DrawKey {
        let mut axes: Vec<_> = axes.iter().collect();
        axes.sort();
        let mut hasher = Sha256::new();
        let mut field = |bytes: &[u8]| {
            hasher.update((bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        field(b"vendomini draw key v1");
        field(&seed.to_le_bytes());
        field(&replication.to_le_bytes());
        for (path, value) in axes {
            field(path.as_bytes());
            field(value.as_bytes());
        }
        DrawKey(hasher.finalize().into())
    }

    /// The key as a number below 2^53, which every JSON reader keeps exactly. It names the draws in summaries;
    /// the key itself stands in `config_used.yaml`.
    #[must_use]
    pub fn short(self) -> u64 {
        let mut first = [0; 8];
        first.copy_from_slice(&self.0[..8]);
        u64::from_le_bytes(first) >> 11
    }

    fn stream_key(self, name: &str, version: u32) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(b"vendomini stream v1");
        hasher.update(self.0);
        hasher.update(version.to_le_bytes());
        hasher.update(name.as_bytes());
        hasher.finalize().into()
    }
}

impl fmt::Display for DrawKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::hex(&self.0))
    }
}

impl fmt::Debug for DrawKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DrawKey({self})")
    }
}

impl std::str::FromStr for DrawKey {
    type Err = ();

    fn from_str(text: &str) -> Result<DrawKey, ()> {
        hex::bytes(text).map(DrawKey).ok_or(())
    }
}

impl Serialize for DrawKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DrawKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<DrawKey, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|()| serde::de::Error::custom("a draw key is 64 hexadecimal digits"))
    }
}

/// A named, versioned family of draws of one run.
///
/// Bump the version when the meaning of a stream's draws changes; the manifest lists the versions.
#[derive(Clone, Debug)]
pub struct Stream {
    /// Boxed, since it buffers 256 bytes of draws and lies in resources, for which a table makes room four times.
    rng: Box<ChaCha8Rng>,
    width: u64,
}

impl Stream {
    /// The stream `name` of a run, addressed by (position, index below [`INDEXES`]).
    #[must_use]
    pub fn new(key: DrawKey, (name, version): (&str, u32)) -> Stream {
        Stream { rng: Box::new(ChaCha8Rng::from_seed(key.stream_key(name, version))), width: INDEXES }
    }

    /// The stream `name` of a run, addressed by (position, [`pair_index`]).
    #[must_use]
    pub fn of_pairs(key: DrawKey, id: (&str, u32)) -> Stream {
        Stream { width: PAIR_INDEXES, ..Stream::new(key, id) }
    }

    /// The 64 random bits at an address.
    ///
    /// # Panics
    /// When `index` lies outside the stream's width: that would silently share a draw with the next position.
    pub fn bits(&mut self, position: u32, index: u64) -> u64 {
        assert!(index < self.width, "draw index {index} outside a stream of {} indexes", self.width);
        // A ChaCha block is 16 words of 32 bits; a draw is two words.
        let word = (u128::from(position) * u128::from(self.width) + u128::from(index)) * 2;
        if self.rng.get_word_pos() != word {
            self.rng.set_word_pos(word);
        }
        self.rng.next_u64()
    }

    /// A uniform draw in [0, 1) with 53 random bits.
    pub fn unit(&mut self, position: u32, index: u64) -> f64 {
        (self.bits(position, index) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A uniform integer in `low..=high`, by multiply-shift (bias below 2^-32 for the ranges used here).
    ///
    /// # Panics
    /// When `low` is above `high`.
    pub fn integer(&mut self, position: u32, index: u64, low: u32, high: u32) -> u32 {
        assert!(low <= high, "there is no integer from {low} to {high} to draw");
        let span = u128::from(high - low) + 1;
        low + ((u128::from(self.bits(position, index)) * span) >> 64) as u32
    }

    /// A uniform real in [`low`, `high`).
    pub fn real(&mut self, position: u32, index: u64, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit(position, index)
    }

    /// An item drawn with the given weights (not negative, not all zero): the position of the item.
    /// `None` when there is nothing to draw from.
    ///
    /// # Panics
    /// When a weight is negative, infinite or no number.
    pub fn weighted(&mut self, position: u32, index: u64, weights: impl Iterator<Item = f64> + Clone) -> Option<usize> {
        if let Some(weight) = weights.clone().find(|weight| !(weight.is_finite() && *weight >= 0.0)) {
            panic!("{weight} is no weight to draw with");
        }
        let total: f64 = weights.clone().sum();
        if total <= 0.0 {
            return None;
        }
        let mut left = self.unit(position, index) * total;
        let mut last = None;
        for (item, weight) in weights.enumerate() {
            if weight > 0.0 {
                last = Some(item);
                if left < weight {
                    return last;
                }
                left -= weight;
            }
        }
        last
    }
}

/// The key of the present run, from which plugins take streams of their own.
#[derive(Clone, Copy, Debug)]
pub struct RunKey(DrawKey);

crate::base::table_resource::table_resource!(RunKey);

impl RunKey {
    /// The key of a run.
    pub(crate) fn new(key: DrawKey) -> RunKey {
        RunKey(key)
    }

    /// The stream of a plugin under a name and a version. No stream of the simulation has such a key, whatever the name;
    /// put the plugin's own into it, so that those of two plugins differ too. Streams are cheap to make anew where
    /// they are needed.
    ///
    /// ```
    /// use vendomini::prelude::*;
    ///
    /// fn strike_of_dockers(key: Res<RunKey>, calendar: Res<Calendar>) -> bool {
    ///     key.stream("dockers.strike", 1).unit(calendar.day(), 0) < 0.01
    /// }
    /// # fn check(condition: impl bevy::ecs::system::IntoSystem<(), bool, ()>) {}
    /// ```
    #[must_use]
    pub fn stream(&self, name: &str, version: u32) -> Stream {
        Stream::new(self.0, (&format!("plugin.{name}"), version))
    }
}

/// Index of a (supplier, SKU) pair in a stream made by [`Stream::of_pairs`].
#[must_use]
pub fn pair_index(supplier: usize, sku: usize) -> u64 {
    supplier as u64 * INDEXES + sku as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> DrawKey {
        DrawKey::derive(42, 0, &[])
    }

    #[test]
    fn a_draw_depends_on_its_address_alone() {
        let mut forward = Stream::new(key(), ("demand", 1));
        let all: Vec<u64> =
            (0..50).flat_map(|day| (0..INDEXES).map(move |i| (day, i))).map(|(d, i)| forward.bits(d, i)).collect();
        let mut backward = Stream::new(key(), ("demand", 1));
        let mut reversed: Vec<u64> = (0..50)
            .flat_map(|day| (0..INDEXES).map(move |i| (day, i)))
            .rev()
            .map(|(d, i)| backward.bits(d, i))
            .collect();
        reversed.reverse();
        assert_eq!(all, reversed);
        let mut other = Stream::new(key(), ("demand", 2));
        assert_ne!(all[0], other.bits(0, 0), "a new version is a new stream");
    }

    #[test]
    fn keys_follow_seed_replication_and_axes_but_not_the_order_of_axes() {
        let a = DrawKey::derive(1, 0, &[("x", "1".into()), ("y", "2".into())]);
        assert_eq!(a, DrawKey::derive(1, 0, &[("y", "2".into()), ("x", "1".into())]));
        assert_ne!(a, DrawKey::derive(2, 0, &[("x", "1".into()), ("y", "2".into())]));
        assert_ne!(a, DrawKey::derive(1, 1, &[("x", "1".into()), ("y", "2".into())]));
        assert_ne!(a, DrawKey::derive(1, 0, &[("x", "2".into()), ("y", "1".into())]));
        assert_eq!(a.to_string().parse(), Ok(a));
        assert!(a.short() < 1 << 53);
    }

    /// Golden values: a change of library, endianness or layout that moves a draw must not pass unseen.
    #[test]
    fn draws_are_pinned() {
        let mut stream = Stream::new(key(), ("pin", 1));
        let drawn = [stream.bits(0, 0), stream.bits(0, 63), stream.bits(1, 0), stream.bits(4_000_000, 7)];
        insta::assert_debug_snapshot!(drawn);
    }

    #[test]
    fn integers_cover_their_range_evenly() {
        let mut stream = Stream::new(key(), ("range", 1));
        let mut counts = [0u32; 20];
        for day in 0..20_000 {
            counts[stream.integer(day, 3, 1, 20) as usize - 1] += 1;
        }
        // Binomial(20000, 1/20): mean 1000, standard deviation 31; five deviations never fail by chance here.
        assert!(counts.iter().all(|c| (845..1155).contains(c)), "{counts:?}");
    }

    #[test]
    #[should_panic(expected = "there is no integer from 2 to 1 to draw")]
    fn an_empty_range_is_refused() {
        Stream::new(key(), ("range", 1)).integer(0, 0, 2, 1);
    }

    #[test]
    fn what_is_no_weight_is_refused() {
        for weight in [-1.0, f64::NAN, f64::INFINITY] {
            let draw = || Stream::new(key(), ("weights", 1)).weighted(0, 0, [1.0, weight].into_iter());
            assert!(std::panic::catch_unwind(draw).is_err(), "{weight}");
        }
    }

    #[test]
    fn weights_decide_shares_and_zero_weight_is_never_drawn() {
        let mut stream = Stream::new(key(), ("weights", 1));
        let mut counts = [0u32; 3];
        for day in 0..10_000 {
            counts[stream.weighted(day, 0, [1.0, 0.0, 3.0].into_iter()).unwrap()] += 1;
        }
        assert_eq!(counts[1], 0);
        // Binomial(10000, 1/4): standard deviation 43.
        assert!((2280..2720).contains(&counts[0]), "{counts:?}");
        assert_eq!(stream.weighted(0, 0, std::iter::empty()), None);
    }
}
