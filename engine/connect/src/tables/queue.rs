//! The queue before a table that is written to: `'sink.queue.rows'` and `'sink.queue.full'`.

use tidewire_event::limits::{SINK_QUEUE_ROWS, SINK_QUEUE_ROWS_MAX};

use super::{OptionError, Options};

/// What becomes of a row for which the queue has no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenQueueFull {
    /// The job waits until there is room.
    Wait,
    /// It is dropped, and counted.
    Drop,
    /// The job ends with an error.
    Fail,
}

/// The rows that wait for a writer with a thread of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Queue {
    /// How many there is room for.
    pub rows: usize,
    /// What happens to one more.
    pub when_full: WhenQueueFull,
}

impl Default for Queue {
    fn default() -> Self {
        Self { rows: SINK_QUEUE_ROWS, when_full: WhenQueueFull::Wait }
    }
}

impl Queue {
    /// Takes the options; `None` where none of them is given.
    ///
    /// # Errors
    /// One of them is wrong.
    pub fn take(options: &mut Options) -> Result<Option<Self>, OptionError> {
        let expected = format!("a number of rows from 1 to {SINK_QUEUE_ROWS_MAX}");
        let rows = options.parse("sink.queue.rows", &expected, |text| {
            text.parse().ok().filter(|rows| (1..=SINK_QUEUE_ROWS_MAX).contains(rows))
        })?;
        let when_full =
            options.parse("sink.queue.full", "wait, drop or fail", |text| match text {
                "wait" => Some(WhenQueueFull::Wait),
                "drop" => Some(WhenQueueFull::Drop),
                "fail" => Some(WhenQueueFull::Fail),
                _ => None,
            })?;
        let default = Self::default();
        Ok((rows.is_some() || when_full.is_some()).then(|| Self {
            rows: rows.unwrap_or(default.rows),
            when_full: when_full.unwrap_or(default.when_full),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::options;
    use super::*;

    fn take(given: &[(&str, &str)]) -> Result<Option<Queue>, String> {
        let mut options = options("stdout", given);
        let queue = Queue::take(&mut options).map_err(|error| error.to_string())?;
        options.finish().map_err(|error| error.to_string())?;
        Ok(queue)
    }

    #[test]
    fn either_option_makes_a_queue_and_the_other_has_its_default() {
        assert_eq!(take(&[]), Ok(None));
        let rows = take(&[("sink.queue.rows", "7")]);
        assert_eq!(rows, Ok(Some(Queue { rows: 7, when_full: WhenQueueFull::Wait })));
        let full = take(&[("sink.queue.full", "drop")]);
        let dropping = Queue { rows: SINK_QUEUE_ROWS, when_full: WhenQueueFull::Drop };
        assert_eq!(full, Ok(Some(dropping)));
    }

    #[test]
    fn wrong_values_say_what_they_should_be() {
        let error = take(&[("sink.queue.rows", "0")]).unwrap_err();
        assert_eq!(
            error,
            "the option 'sink.queue.rows' is '0': a number of rows from 1 to 16777216"
        );
        let error = take(&[("sink.queue.full", "block")]).unwrap_err();
        assert_eq!(error, "the option 'sink.queue.full' is 'block': wait, drop or fail");
        let error = take(&[("sink.queue.row", "1")]).unwrap_err();
        assert!(error.contains("did you mean 'sink.queue.rows'?"), "{error}");
    }
}
