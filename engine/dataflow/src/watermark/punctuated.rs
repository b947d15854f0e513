//! Watermarks from the data.

use tidewire_event::time::WATERMARK_NONE;

use super::WatermarkStrategy;

/// Some events carry a watermark: that of a feed which says how far it is. Others move nothing.
#[derive(Debug, Clone, Copy)]
pub struct Punctuated<F> {
    read: F,
    watermark: i64,
}

impl<F> Punctuated<F> {
    /// `read` gives the watermark that an event carries, ns, if it carries one. One that would move it back is passed over.
    pub fn new(read: F) -> Self {
        Self { read, watermark: WATERMARK_NONE }
    }
}

impl<E, F: Fn(&E) -> Option<i64> + Clone + Send> WatermarkStrategy<E> for Punctuated<F> {
    #[inline]
    fn observe(&mut self, _: i64, event: &E) {
        if let Some(watermark) = (self.read)(event) {
            self.watermark = self.watermark.max(watermark);
        }
    }

    #[inline]
    fn watermark(&self) -> i64 {
        self.watermark
    }

    fn restore(&mut self, watermark: i64) {
        self.watermark = watermark;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_data_says_moves_it() {
        let mut strategy = Punctuated::new(|event: &Option<i64>| *event);
        let watermarks = [None, Some(5), None, Some(3), Some(9)].map(|event| {
            strategy.observe(100, &event);
            strategy.watermark()
        });
        assert_eq!(watermarks, [WATERMARK_NONE, 5, 5, 5, 9]);
    }
}
