//! Numbers that look random, and are the same for the same seed: SplitMix64 (Steele, Lea, Flood, "Fast splittable
//! pseudorandom number generators").

/// A row of numbers.
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

impl Random {
    /// The numbers of column `column` in row `row`: each has its own, so that which columns are read changes nothing.
    #[inline]
    pub(super) fn of(seed: u64, row: u64, column: u64) -> Self {
        Self(mix(mix(seed ^ mix(column.wrapping_add(STEP))).wrapping_add(row.wrapping_mul(STEP))))
    }

    /// 64 bits.
    #[inline]
    pub(super) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    /// A number below `bound`; 0 where that is 0.
    #[inline]
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u64
    }

    /// A number from `min` to `max`, both of which may come.
    pub(super) fn between(&mut self, min: i128, max: i128) -> i128 {
        // Of numbers of 38 digits the difference has 128 bits.
        let count = max.wrapping_sub(min).cast_unsigned().wrapping_add(1);
        let bits = match u64::try_from(count) {
            Ok(count @ 1..) => self.below(count).into(),
            _ => {
                let wide = u128::from(self.bits()) << 64 | u128::from(self.bits());
                wide.checked_rem(count).unwrap_or(wide)
            }
        };
        min.wrapping_add(bits.cast_signed())
    }

    /// 0 to 1, without 1.
    #[inline]
    pub(super) fn fraction(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// One of `items`, of which there must be one.
    #[inline]
    pub(super) fn one_of<'a>(&mut self, items: &[&'a str]) -> &'a str {
        items.get(self.below(items.len() as u64) as usize).copied().unwrap_or_default()
    }
}

/// Events at a steady rate of event time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Steady {
    /// The time of the first, ns since the epoch.
    pub(super) start: i64,
    /// Events for each second, at least 1.
    pub(super) per_second: u64,
}

impl Steady {
    /// The time of event `number`; none when that is past all times.
    #[inline]
    pub(super) fn at(&self, number: u64) -> Option<i64> {
        let per_second = self.per_second.max(1);
        let (seconds, rest) = (number / per_second, number % per_second);
        let rest = u128::from(rest) * 1_000_000_000 / u128::from(per_second);
        let seconds = i64::try_from(seconds).ok()?.checked_mul(1_000_000_000)?;
        self.start.checked_add(seconds)?.checked_add(i64::try_from(rest).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_in_their_bounds() {
        let mut random = Random::of(1, 2, 3);
        let mut seen = [0_u32; 5];
        for _ in 0..10_000 {
            seen[random.below(5) as usize] += 1;
            assert!((-3..=2).contains(&random.between(-3, 2)));
            let wide = 10_i128.pow(38) - 1;
            assert!((-wide..=wide).contains(&random.between(-wide, wide)));
            assert!((0.0..1.0).contains(&random.fraction()));
        }
        assert!(seen.iter().all(|count| (1_800..2_200).contains(count)), "{seen:?}");
        assert_eq!(random.between(7, 7), 7);
        random.between(i128::MIN, i128::MAX);
    }

    #[test]
    fn rows_and_columns_have_their_own_numbers() {
        let first = |row, column| Random::of(1, row, column).bits();
        assert_eq!(first(1, 1), first(1, 1));
        assert_ne!(first(1, 1), first(2, 1));
        assert_ne!(first(1, 1), first(1, 2));
    }

    #[test]
    fn steady_events_do_not_drift() {
        let steady = Steady { start: 5, per_second: 3 };
        assert_eq!(steady.at(0), Some(5));
        assert_eq!(steady.at(1), Some(333_333_338));
        assert_eq!(steady.at(3_000_000), Some(1_000_000 * 1_000_000_000 + 5));
        assert_eq!(steady.at(u64::MAX), None);
    }
}
