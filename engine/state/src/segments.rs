//! A list that grows without moving what it holds: no push pays for the ones before it.

/// Elements that lie together.
const SEGMENT: usize = 4096;
/// Emptied segments kept for later.
const SPARE_SEGMENTS_MAX: usize = 64;

/// A queue of plain values, in segments.
#[derive(Debug)]
pub(crate) struct Segments<T> {
    /// In order, none of them empty.
    segments: std::collections::VecDeque<Vec<T>>,
    /// Elements of the first segment that were taken.
    taken: usize,
    spare: Vec<Vec<T>>,
}

impl<T> Default for Segments<T> {
    fn default() -> Self {
        Self { segments: Default::default(), taken: 0, spare: Vec::new() }
    }
}

impl<T: Copy> Segments<T> {
    #[inline]
    pub(crate) fn push(&mut self, value: T) {
        match self.segments.back_mut() {
            Some(last) if last.len() < SEGMENT => last.push(value),
            _ => {
                let mut segment = self.spare.pop().unwrap_or_else(|| Vec::with_capacity(SEGMENT));
                segment.push(value);
                self.segments.push_back(segment);
            }
        }
    }

    pub(crate) fn first(&self) -> Option<T> {
        self.segments.front()?.get(self.taken).copied()
    }

    /// Takes the first away.
    pub(crate) fn pop(&mut self) -> Option<T> {
        let first = self.first()?;
        self.taken += 1;
        if self.segments.front().is_some_and(|segment| segment.len() == self.taken) {
            self.taken = 0;
            if let Some(mut empty) = self.segments.pop_front()
                && self.spare.len() < SPARE_SEGMENTS_MAX
            {
                empty.clear();
                self.spare.push(empty);
            }
        }
        Some(first)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        while self.pop().is_some() {}
    }

    /// Appends what `later` holds, of which nothing was taken; it is empty then. As many steps as it has segments, and
    /// one where this list is empty.
    pub(crate) fn append(&mut self, later: &mut Self) {
        debug_assert!(later.taken == 0);
        if self.is_empty() {
            std::mem::swap(&mut self.segments, &mut later.segments);
        } else {
            self.segments.append(&mut later.segments);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_a_queue() {
        let mut queue = Segments::default();
        let mut later = Segments::default();
        let count = if cfg!(miri) { 5_000 } else { 3 * SEGMENT as u32 + 7 };
        (0..count).for_each(|n| queue.push(n));
        assert_eq!((queue.pop(), queue.pop()), (Some(0), Some(1)));
        (count..count + 5).for_each(|n| later.push(n));
        queue.append(&mut later);
        assert!(later.is_empty());
        for expected in 2..count + 5 {
            assert_eq!((queue.first(), queue.pop()), (Some(expected), Some(expected)));
        }
        assert_eq!(queue.pop(), None);
        later.push(1);
        queue.append(&mut later);
        assert_eq!((queue.pop(), queue.is_empty()), (Some(1), true));
    }
}
