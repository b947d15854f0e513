//! Windows over event time. The rules are Flink's.
//!
//! 1. A window is `[start, end)`, aligned to the epoch plus an offset.
//! 2. It closes when the watermark reaches `end - 1`.
//! 3. The first and the last window of the `i64` range are cut short at its ends.

use tidewire_event::time::SECOND;

/// A stretch of event time, `[start, end)`, ns since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window {
    /// The first timestamp inside.
    pub start: i64,
    /// The first timestamp after it.
    pub end: i64,
}

impl Window {
    /// Whether `ts` lies inside.
    #[inline]
    #[must_use]
    pub fn contains(&self, ts: i64) -> bool {
        self.start <= ts && ts < self.end
    }

    /// Whether `watermark` has closed it.
    #[inline]
    #[must_use]
    pub fn closed_by(&self, watermark: i64) -> bool {
        watermark >= self.end - 1
    }
}

/// Windows of one size, side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tumbling {
    size: i64,
    offset: i64,
}

/// A size that is no size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowSizeNotPositive(pub i64);

impl std::fmt::Display for WindowSizeNotPositive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a window of {} ns: the size must be at least 1 ns", self.0)
    }
}

impl std::error::Error for WindowSizeNotPositive {}

impl Tumbling {
    /// Windows of one second.
    pub const SECOND: Self = Self { size: SECOND, offset: 0 };

    /// Windows of `size` ns that start at whole multiples of it.
    ///
    /// # Errors
    /// The size is zero or negative.
    pub fn new(size: i64) -> Result<Self, WindowSizeNotPositive> {
        if size <= 0 {
            return Err(WindowSizeNotPositive(size));
        }
        Ok(Self { size, offset: 0 })
    }

    /// The same windows, all moved by `offset` ns: `HOUR` moves windows of a day to start at one o'clock.
    #[must_use]
    pub fn offset(mut self, offset: i64) -> Self {
        self.offset = offset.rem_euclid(self.size);
        self
    }

    /// Windows of a size that is known to be positive.
    pub(crate) fn of_size(size: i64) -> Self {
        debug_assert!(size > 0);
        Self { size, offset: 0 }
    }

    pub(crate) fn of_offset(&self) -> i64 {
        self.offset
    }

    /// The size, ns.
    #[must_use]
    pub fn size(&self) -> i64 {
        self.size
    }

    /// The window that `ts` falls into.
    #[inline]
    #[must_use]
    pub fn window_of(&self, ts: i64) -> Window {
        let into = i128::from(ts).wrapping_sub(i128::from(self.offset));
        let start = i128::from(ts) - into.rem_euclid(i128::from(self.size));
        self.cut(start)
    }

    /// The end of the last window that `watermark` has closed; rows up to it are complete.
    #[must_use]
    pub fn closed_to(&self, watermark: i64) -> i64 {
        let current = self.window_of(watermark);
        if current.closed_by(watermark) { current.end } else { current.start }
    }

    /// The first watermark after `watermark` that closes a window.
    #[must_use]
    pub fn next_close(&self, watermark: i64) -> i64 {
        self.window_of(self.closed_to(watermark)).end - 1
    }

    fn cut(&self, start: i128) -> Window {
        let clamp = |t: i128| i64::try_from(t).unwrap_or(if t < 0 { i64::MIN } else { i64::MAX });
        Window { start: clamp(start), end: clamp(start + i128::from(self.size)) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_timestamp_has_one_aligned_window(ts: i64, size in 1..=i64::MAX, offset: i64) {
            let windows = Tumbling { size, offset: 0 }.offset(offset);
            let window = windows.window_of(ts);
            prop_assert!(window.start <= ts && (ts < window.end || ts == i64::MAX));
            if window.start > i64::MIN {
                prop_assert_eq!((i128::from(window.start) - i128::from(offset)).rem_euclid(size.into()), 0);
            }
            if window.start > i64::MIN && window.end < i64::MAX {
                prop_assert_eq!(window.end - window.start, size);
            }
        }
    }

    #[test]
    fn before_the_epoch_windows_are_aligned_too() {
        let windows = Tumbling::SECOND;
        assert_eq!(windows.window_of(-1), Window { start: -SECOND, end: 0 });
        assert_eq!(windows.window_of(0), Window { start: 0, end: SECOND });
    }

    #[test]
    fn a_window_closes_one_unit_before_its_end() {
        let window = Window { start: 0, end: 10 };
        assert!(!window.closed_by(8));
        assert!(window.closed_by(9));
        let windows = Tumbling { size: 10, offset: 0 };
        assert_eq!([8, 9, 10, 18, 19].map(|w| windows.closed_to(w)), [0, 10, 10, 10, 20]);
        assert_eq!([8, 9, 10, 18, 19].map(|w| windows.next_close(w)), [9, 19, 19, 19, 29]);
    }
}
