//! Random numbers that needn't be secret: for waits, and for choices among equals.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};

/// How far the state goes with each number: 2⁶⁴ divided by the golden ratio, made odd.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// The generator `SplitMix64` of Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
/// Generators" (2014). Threads may share it.
#[derive(Debug)]
pub(crate) struct Random(AtomicU64);

impl Random {
    /// Numbers that the seed decides; without one they are others in each process.
    pub(crate) fn new(seed: Option<u64>) -> Self {
        let seed = seed.unwrap_or_else(|| RandomState::new().hash_one(STEP));
        Self(AtomicU64::new(seed))
    }

    /// The next number, from 0 up to 1 and never 1.
    pub(crate) fn share(&self) -> f64 {
        let state = self.0.fetch_add(STEP, Ordering::Relaxed);
        let bits = mix(state.wrapping_add(STEP)) >> 11;
        // Of 53 bits each makes a number of its own.
        bits as f64 / (1_u64 << 53) as f64
    }
}

fn mix(state: u64) -> u64 {
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_generator_that_it_says() {
        // The first numbers of the paper's own program for the seed 1234567.
        let expected: [u64; 3] = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
        ];
        let states = (1..).map(|at: u64| 1_234_567_u64.wrapping_add(STEP.wrapping_mul(at)));
        for (state, number) in states.zip(expected) {
            assert_eq!(mix(state), number);
        }
    }

    #[test]
    fn shares_are_spread_over_all_that_they_may_be() {
        let random = Random::new(Some(7));
        let mut tenths = [0_u32; 10];
        for _ in 0..10_000 {
            let share = random.share();
            assert!((0.0..1.0).contains(&share), "{share}");
            tenths[(share * 10.0) as usize] += 1;
        }
        assert!(
            tenths.iter().all(|it| (850..1150).contains(it)),
            "{tenths:?}"
        );
    }

    #[test]
    fn only_a_seed_makes_it_repeat() {
        let three = |seed| {
            let random = Random::new(seed);
            [random.share(), random.share(), random.share()]
        };
        assert_eq!(three(Some(1)), three(Some(1)));
        assert_ne!(three(Some(1)), three(Some(2)));
        assert_ne!(three(None), three(None));
    }
}
