//! A histogram of bounded size: each power of two is cut into sixteen buckets.

use serde::{Deserialize, Serialize};

/// Buckets for each power of two, as a power of two.
const BITS: u32 = 4;
/// What is below has a bucket for each value.
const EXACT: u64 = 1 << BITS;
/// Values are less than two to this power; greater ones count as the greatest.
const MOST: u32 = 36;
/// How many buckets there are.
const BUCKETS: usize = ((MOST - BITS + 1) << BITS) as usize;

/// Counts of values below 2³⁶.
///
/// A bucket is at most a sixteenth as wide as its values, so that a percentile,
/// told as the middle of its bucket, is off by at most 1/32 (3.2%). Count, sum,
/// minimum and maximum are exact. `C` is what counts: narrow in a stream, wide
/// where streams add up.
#[derive(Debug, Clone)]
pub struct Histogram<C> {
    buckets: Box<[C; BUCKETS]>,
    count: u64,
    sum: u64,
    least: u64,
    most: u64,
}

impl<C: Copy + Default> Default for Histogram<C> {
    fn default() -> Self {
        Self {
            buckets: Box::new([C::default(); BUCKETS]),
            count: 0,
            sum: 0,
            least: u64::MAX,
            most: 0,
        }
    }
}

/// The bucket of a value.
fn place(value: u64) -> usize {
    let value = value.min((1 << MOST) - 1);
    if value < EXACT {
        return value as usize;
    }
    let power = value.ilog2();
    let within = (value >> (power - BITS)) - EXACT;
    ((u64::from(power - BITS + 1) << BITS) + within) as usize
}

/// The middle of a bucket.
fn middle(place: usize) -> f64 {
    if place < EXACT as usize {
        return place as f64;
    }
    let power = (place >> BITS) as i32 - 1;
    let within = (place & (EXACT as usize - 1)) + EXACT as usize;
    // Of the whole numbers in the bucket, not of the numbers between.
    let width = f64::from(2_u32).powi(power);
    within as f64 * width + (width - 1.0) / 2.0
}

impl Histogram<u32> {
    /// Counts a value.
    pub fn add(&mut self, value: u64) {
        if let Some(bucket) = self.buckets.get_mut(place(value)) {
            *bucket = bucket.saturating_add(1);
        }
        self.note(value, value, value, 1);
    }
}

impl Histogram<u64> {
    /// Counts a value.
    pub fn add(&mut self, value: u64) {
        if let Some(bucket) = self.buckets.get_mut(place(value)) {
            *bucket += 1;
        }
        self.note(value, value, value, 1);
    }

    /// Adds all values of another.
    pub fn merge(&mut self, other: &Histogram<u32>) {
        for (mine, theirs) in self.buckets.iter_mut().zip(other.buckets.iter()) {
            *mine += u64::from(*theirs);
        }
        self.note(other.sum, other.least, other.most, other.count);
    }

    /// What the values amount to, each divided by `unit`.
    pub fn summary(&self, unit: f64) -> Summary {
        if self.count == 0 {
            return Summary::default();
        }
        let at = |share: f64| self.percentile(share) / unit;
        Summary {
            count: self.count,
            min: self.least as f64 / unit,
            mean: self.sum as f64 / self.count as f64 / unit,
            max: self.most as f64 / unit,
            p50: at(0.5),
            p90: at(0.9),
            p95: at(0.95),
            p99: at(0.99),
        }
    }

    fn percentile(&self, share: f64) -> f64 {
        let rank = (share * self.count as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (place, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return middle(place).clamp(self.least as f64, self.most as f64);
            }
        }
        self.most as f64
    }
}

impl<C> Histogram<C> {
    fn note(&mut self, sum: u64, least: u64, most: u64, count: u64) {
        self.count += count;
        self.sum = self.sum.saturating_add(sum);
        self.least = self.least.min(least);
        self.most = self.most.max(most);
    }

    /// The greatest value, if there is any.
    pub fn most(&self) -> Option<u64> {
        (self.count > 0).then_some(self.most)
    }

    /// How many values there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// All values together.
    pub fn sum(&self) -> u64 {
        self.sum
    }
}

/// What many values amount to. Without any, everything is zero.
///
/// Count, minimum, mean and maximum are exact; a percentile is off by at most
/// 3.2% of itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Summary {
    /// How many values there were.
    pub count: u64,
    /// The least.
    pub min: f64,
    /// The average.
    pub mean: f64,
    /// The greatest.
    pub max: f64,
    /// Half of the values are at most this.
    pub p50: f64,
    /// Nine in ten are at most this.
    pub p90: f64,
    /// Nineteen in twenty are at most this.
    pub p95: f64,
    /// Ninety-nine in a hundred are at most this.
    pub p99: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_has_a_bucket_whose_middle_is_near() {
        let spread = (0..36).flat_map(|power| {
            let value = 1_u64 << power;
            [value, value + value / 3, value * 2 - 1]
        });
        for value in (0..5000).chain(spread) {
            let place = place(value);
            assert!(place < BUCKETS, "{value}");
            let off = (middle(place) - value as f64).abs();
            assert!(off <= value as f64 / 32.0, "{value}: {}", middle(place));
        }
        for value in 1..5000 {
            assert!(place(value) - place(value - 1) <= 1, "{value}");
        }
        assert_eq!(place(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn merged_streams_are_as_one() {
        let rng = &mut fastrand::Rng::with_seed(7);
        let mut values: Vec<u64> = (0..2000).map(|_| 1 << rng.u32(0..30)).collect();
        values.iter_mut().for_each(|it| *it += rng.u64(0..*it));
        let (mut all, mut merged) = (Histogram::<u64>::default(), Histogram::<u64>::default());
        for part in values.chunks(300) {
            let mut stream = Histogram::<u32>::default();
            part.iter().for_each(|it| stream.add(*it));
            merged.merge(&stream);
        }
        values.iter().for_each(|it| all.add(*it));
        assert_eq!(all.summary(1.0), merged.summary(1.0));

        values.sort_unstable();
        let summary = all.summary(1.0);
        for (share, told) in [(0.5, summary.p50), (0.9, summary.p90), (0.99, summary.p99)] {
            let rank = (share * values.len() as f64).ceil() as usize - 1;
            let exact = values[rank] as f64;
            assert!((told - exact).abs() <= exact / 31.0, "{told} for {exact}");
        }
        assert_eq!(summary.max, values[values.len() - 1] as f64);
        assert_eq!(summary.min, values[0] as f64);
    }
}
