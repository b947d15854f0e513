//! Which windows an event falls into: tumbling, hopping, cumulating.
//!
//! 1. Windows are made of panes, the smallest slices of time that they share. An event falls into one pane, whatever the
//!    overlap.
//! 2. All windows of an operator differ in their ends or, only at the very end of time, in their starts. Ends lie in
//!    steps of one length, and windows fire in their order.
//! 3. Ends are counted in `i128`: a window may reach over the ends of the `i64` range, where it is cut short.

use tidewire_event::time::{WATERMARK_END, WATERMARK_NONE};

use crate::window::{Tumbling, Window};

/// The windows of an operator: see the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windows {
    /// The panes.
    panes: Tumbling,
    /// The size of a window, the largest where they cumulate.
    size: i64,
    /// From one end to the next.
    slide: i64,
    offset: i64,
    kind: Kind,
}

/// How windows overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Tumbling,
    Hopping,
    Cumulating,
}

/// Sizes that make no windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowsError {
    /// A size, slide or step is zero or negative.
    NotPositive(i64),
    /// Windows with gaps between them.
    SlideOverSize {
        /// The slide, ns.
        slide: i64,
        /// The size, ns.
        size: i64,
    },
    /// A cumulating window whose steps do not fill it.
    SizeNotOfSteps {
        /// The step, ns.
        step: i64,
        /// The size, ns.
        size: i64,
    },
}

impl std::fmt::Display for WindowsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotPositive(ns) => write!(f, "a length of {ns} ns: it must be at least 1 ns"),
            Self::SlideOverSize { slide, size } => write!(
                f,
                "windows of {size} ns every {slide} ns: between them there are events in no window; filter those out \
                 first, or use a slide of at most the size"
            ),
            Self::SizeNotOfSteps { step, size } => {
                write!(f, "a window of {size} ns can not be filled in steps of {step} ns")
            }
        }
    }
}

impl std::error::Error for WindowsError {}

impl From<Tumbling> for Windows {
    fn from(panes: Tumbling) -> Self {
        let (size, offset) = (panes.size(), panes.of_offset());
        Self { panes, size, slide: size, offset, kind: Kind::Tumbling }
    }
}

impl Windows {
    /// Windows of `size` ns, one every `slide` ns: an event falls into `size / slide` of them.
    ///
    /// # Errors
    /// One of them is not positive, or the slide is the larger.
    pub fn hopping(slide: i64, size: i64) -> Result<Self, WindowsError> {
        let pane = positive(gcd(positive(slide)?, positive(size)?))?;
        if slide > size {
            return Err(WindowsError::SlideOverSize { slide, size });
        }
        let kind = if slide == size { Kind::Tumbling } else { Kind::Hopping };
        Ok(Self { panes: Tumbling::of_size(pane), size, slide, offset: 0, kind })
    }

    /// Windows of `size` ns side by side, each with a result for every `step` ns from its start.
    ///
    /// # Errors
    /// One of them is not positive, or the size is not a whole number of steps.
    pub fn cumulating(step: i64, size: i64) -> Result<Self, WindowsError> {
        if positive(size)? % positive(step)? != 0 {
            return Err(WindowsError::SizeNotOfSteps { step, size });
        }
        let kind = if step == size { Kind::Tumbling } else { Kind::Cumulating };
        Ok(Self { panes: Tumbling::of_size(step), size, slide: step, offset: 0, kind })
    }

    /// The same windows, all moved by `offset` ns.
    #[must_use]
    pub fn offset(mut self, offset: i64) -> Self {
        self.offset = offset.rem_euclid(match self.kind {
            Kind::Tumbling | Kind::Hopping => self.slide,
            Kind::Cumulating => self.size,
        });
        self.panes = self.panes.offset(offset);
        self
    }

    /// The windows that `ts` is in, in the order of their ends.
    pub fn around(&self, ts: i64) -> impl Iterator<Item = Window> + use<> {
        let (windows, pane) = (*self, self.panes.window_of(ts));
        let last = windows.last_end(pane);
        let ends = std::iter::successors(Some(windows.first_end(pane)), move |end| {
            Some(windows.next_end(*end)).filter(|end| *end <= last)
        });
        ends.map(move |end| windows.ending(end))
    }

    /// The size of a window, ns; the largest where they cumulate.
    #[must_use]
    pub fn size(&self) -> i64 {
        self.size
    }

    /// How far they are moved, ns: at least 0, and less than from one to the next.
    #[must_use]
    pub fn offset_ns(&self) -> i64 {
        self.offset
    }

    /// Whether they cumulate.
    #[must_use]
    pub fn is_cumulating(&self) -> bool {
        self.kind == Kind::Cumulating
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// The panes.
    #[inline]
    pub(crate) fn panes(&self) -> Tumbling {
        self.panes
    }

    /// The windows at whose ends alone something happens: side by side, and as long as it is from one end to the next.
    #[must_use]
    pub fn grid(&self) -> Tumbling {
        let offset = i128::from(self.offset) + i128::from(self.size);
        Tumbling::of_size(self.slide).offset(offset.rem_euclid(self.slide.into()) as i64)
    }

    /// The first end of a window after `time`.
    pub(crate) fn next_end(&self, time: i128) -> i128 {
        let to_end = i128::from(self.offset) + i128::from(self.size) - (time + 1);
        time + 1 + to_end.rem_euclid(self.slide.into())
    }

    /// The end of a window before the one that ends at `end`.
    pub(crate) fn end_before(&self, end: i128) -> i128 {
        end - i128::from(self.slide)
    }

    /// The last end of a window that `watermark` has closed.
    pub(crate) fn last_closed(&self, watermark: i64) -> i128 {
        // The windows that reach over the end of time close at its end.
        let beyond = if watermark >= i64::MAX - 1 { self.size } else { 0 };
        self.next_end(i128::from(watermark) + 1 + i128::from(beyond)) - i128::from(self.slide)
    }

    /// The end of the last window that `watermark` has closed; rows up to it are complete.
    #[must_use]
    pub fn closed_to(&self, watermark: i64) -> i64 {
        if watermark >= i64::MAX - 1 { i64::MAX } else { clamp(self.last_closed(watermark)) }
    }

    /// The first watermark after `watermark` that closes a window.
    pub(crate) fn next_close(&self, watermark: i64) -> i64 {
        clamp(self.next_end(i128::from(watermark) + 1)) - 1
    }

    /// The window that ends at `end`.
    pub(crate) fn ending(&self, end: i128) -> Window {
        Window { start: clamp(self.start_of(end)), end: clamp(end) }
    }

    /// The start of the window that ends at `end`.
    pub(crate) fn start_of(&self, end: i128) -> i128 {
        match self.kind {
            Kind::Tumbling | Kind::Hopping => end - i128::from(self.size),
            Kind::Cumulating => self.base(end - 1),
        }
    }

    /// The first end of a window with this pane.
    pub(crate) fn first_end(&self, pane: Window) -> i128 {
        self.next_end(pane.start.into())
    }

    /// The last end of a window with this pane.
    pub(crate) fn last_end(&self, pane: Window) -> i128 {
        let start = i128::from(pane.start);
        let base = match self.kind {
            Kind::Tumbling | Kind::Hopping => {
                start - (start - i128::from(self.offset)).rem_euclid(self.slide.into())
            }
            Kind::Cumulating => self.base(start),
        };
        base + i128::from(self.size)
    }

    /// The number of a pane.
    pub(crate) fn pane_number(&self, pane: Window) -> i128 {
        // The first pane of the range is cut short: any of its times will do.
        let inside = i128::from(pane.end) - 1;
        (inside - i128::from(self.offset)).div_euclid(self.panes.size().into())
    }

    /// The pane of a number.
    pub(crate) fn pane_at(&self, number: i128) -> Window {
        let size = i128::from(self.panes.size());
        self.panes.window_of(clamp(i128::from(self.offset) + number * size))
    }

    /// The numbers of the panes of the window that ends at `end`.
    pub(crate) fn panes_of(&self, end: i128) -> std::ops::Range<i128> {
        let number =
            |time: i128| (time - i128::from(self.offset)).div_euclid(self.panes.size().into());
        number(self.start_of(end))..number(end)
    }

    /// Whether the window that ends at `end` shares nothing with the next.
    pub(crate) fn is_last_of_its_panes(&self, end: i128) -> bool {
        self.panes_of(self.next_end(end)).start >= self.panes_of(end).end
    }

    /// The start of the largest window around `time`.
    fn base(&self, time: i128) -> i128 {
        time - (time - i128::from(self.offset)).rem_euclid(self.size.into())
    }
}

/// Whether `watermark` has closed the window that ends at `end`, `lateness` ns ago.
pub(crate) fn is_closed(end: i128, lateness: i64, watermark: i64) -> bool {
    let closes = end.min(i64::MAX.into()) - 1 + i128::from(lateness);
    watermark > WATERMARK_NONE && (i128::from(watermark) >= closes || watermark == WATERMARK_END)
}

/// A time, cut to the `i64` range.
pub(crate) fn clamp(time: i128) -> i64 {
    i64::try_from(time).unwrap_or(if time < 0 { i64::MIN } else { i64::MAX })
}

fn positive(ns: i64) -> Result<i64, WindowsError> {
    if ns > 0 { Ok(ns) } else { Err(WindowsError::NotPositive(ns)) }
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All windows that hold `ts`, worked out one by one.
    fn around(windows: &Windows, ts: i64) -> Vec<(i128, i128)> {
        let (size, slide) = (i128::from(windows.size), i128::from(windows.slide));
        let offset = i128::from(windows.offset);
        let ts = i128::from(ts);
        let all = (-3 * size / slide - 3..3 * size / slide + 3).map(|k| k * slide);
        let all = all.map(|by| offset + (ts - offset).div_euclid(size) * size + by);
        let all = all.map(|start| match windows.kind {
            Kind::Cumulating => {
                let end = start + slide;
                (offset + (end - 1 - offset).div_euclid(size) * size, end)
            }
            _ => (
                start - (start - offset).rem_euclid(slide),
                start - (start - offset).rem_euclid(slide) + size,
            ),
        });
        let mut found: Vec<_> = all.filter(|(start, end)| *start <= ts && ts < *end).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    fn windows() -> impl Strategy<Value = Windows> {
        let hopping =
            (1..40_i64, 1..40_i64).prop_map(|(a, b)| Windows::hopping(a.min(b), a.max(b)));
        let cumulating = (1..10_i64, 1..10_i64).prop_map(|(a, n)| Windows::cumulating(a, a * n));
        (prop_oneof![hopping, cumulating], any::<i64>())
            .prop_map(|(windows, offset)| windows.unwrap().offset(offset))
    }

    proptest! {
        #[test]
        fn the_windows_of_a_pane_are_those_of_each_time_in_it(
            windows in windows(),
            ts in prop_oneof![-100..100_i64, Just(i64::MIN), Just(i64::MAX)],
            watermark in -100..100_i64,
        ) {
            let pane = windows.panes().window_of(ts);
            let mut expected = around(&windows, ts);
            expected.sort_unstable_by_key(|(_, end)| *end);
            let mut found = Vec::new();
            let mut end = windows.first_end(pane);
            while end <= windows.last_end(pane) {
                found.push((windows.start_of(end), end));
                end = windows.next_end(end);
            }
            let of_ts: Vec<_> = windows.around(ts).collect();
            let of_pane: Vec<_> = found.iter().map(|(_, end)| windows.ending(*end)).collect();
            prop_assert_eq!(of_ts, of_pane);
            if pane.start > i64::MIN {
                prop_assert_eq!(found, expected);
            }
            let closed = windows.last_closed(watermark);
            prop_assert!(is_closed(closed, 0, watermark));
            prop_assert!(!is_closed(windows.next_end(closed), 0, watermark));
            prop_assert_eq!(i128::from(windows.next_close(watermark)), windows.next_end(closed) - 1);
            prop_assert_eq!(windows.grid().next_close(watermark), windows.next_close(watermark));
            prop_assert_eq!(windows.grid().closed_to(watermark), windows.closed_to(watermark));
        }
    }

    #[test]
    fn what_makes_no_windows_is_named() {
        assert_eq!(Windows::hopping(0, 5), Err(WindowsError::NotPositive(0)));
        assert_eq!(Windows::hopping(6, 5), Err(WindowsError::SlideOverSize { slide: 6, size: 5 }));
        let error = WindowsError::SizeNotOfSteps { step: 3, size: 5 };
        assert_eq!(Windows::cumulating(3, 5), Err(error));
    }
}
