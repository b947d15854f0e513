//! From the rows of scans to the shards: what a pipeline takes of a row is made on its source's thread.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::sync::Arc;

use tidewire_dataflow::{Route, Windows};
use tidewire_event::key::hash_of_bytes;
use tidewire_event::{Header, RowLayout, Slot, hash_of};
use zerocopy::IntoBytes;

use super::faults::Faults;
use super::making::Maker;
use super::post::WindowLayout;
use super::shape::{Input, Row, RowOf, Shape};
use crate::code::SEGMENTS;

/// What a pipeline takes of the rows of a scan.
#[derive(Debug, Clone)]
pub(crate) struct Feeder {
    pub(crate) pipeline: u16,
    pub(crate) maker: Maker,
    pub(crate) expand: Option<Windows>,
    /// The columns of the key by which rows go to shards; all of them, if none are said.
    pub(crate) route: Option<Vec<Slot>>,
}

impl Feeder {
    /// Puts the hash of what decides the shard before a key.
    #[inline]
    fn prefix<S: Shape>(&self, row: &mut RowOf<S>, scratch: &RefCell<Vec<u8>>) {
        let (prefix, key) = row.key.as_mut_bytes().split_at_mut(S::PREFIX);
        let hash = match &self.route {
            None => hash_of_bytes(key, key.len()),
            Some(columns) => {
                let mut bytes = scratch.borrow_mut();
                bytes.clear();
                for slot in columns {
                    bytes.push(u8::from(slot.is_null(key)));
                    slot.append_to(key, &mut bytes);
                }
                hash_of_bytes(&bytes, bytes.len())
            }
        };
        prefix.copy_from_slice(&hash.to_le_bytes()[..S::PREFIX]);
    }
}

/// The route of a job: see the module. Its events are rows in the layouts of their scans; the input in an event's place
/// says which scan it is of.
#[derive(Debug)]
pub struct SqlRoute<S> {
    /// Those of each input's scan.
    feeders: Vec<Vec<Feeder>>,
    scratch: RefCell<Vec<u8>>,
    faults: Arc<Faults>,
    shape: PhantomData<fn() -> S>,
}

impl<S> Clone for SqlRoute<S> {
    fn clone(&self) -> Self {
        Self {
            feeders: self.feeders.clone(),
            scratch: RefCell::default(),
            faults: self.faults.clone(),
            shape: PhantomData,
        }
    }
}

impl<S: Shape> SqlRoute<S> {
    pub(crate) fn new(feeders: Vec<Vec<Feeder>>, faults: &Arc<Faults>) -> Self {
        Self { feeders, scratch: RefCell::default(), faults: faults.clone(), shape: PhantomData }
    }

    /// Sends what one feeder takes of a row.
    #[inline(always)]
    fn send<X>(
        &self,
        feeder: &Feeder,
        header: &Header,
        input: &[&[u8]; SEGMENTS],
        send: &mut impl FnMut(u64, &Header, Input<S>) -> Result<(), X>,
    ) -> Result<(), X> {
        let mut made = Input { pipeline: feeder.pipeline, row: Row::empty() };
        match feeder.maker.make::<S>(input, None, &mut made.row) {
            Ok(true) => {
                if S::PREFIX > 0 {
                    feeder.prefix::<S>(&mut made.row, &self.scratch);
                }
                send(hash_of(&made.row.key), header, made)
            }
            Ok(false) => Ok(()),
            Err(fault) => {
                self.faults.of_row(header, *fault);
                Ok(())
            }
        }
    }
}

impl<S: Shape, E: AsRef<[u8]>> Route<E> for SqlRoute<S> {
    type Out = Input<S>;

    #[inline]
    fn route<X>(
        &self,
        header: &Header,
        event: E,
        mut send: impl FnMut(u64, &Header, Input<S>) -> Result<(), X>,
    ) -> Result<(), X> {
        let Some(feeders) = self.feeders.get(header.place.input()) else { return Ok(()) };
        let row = event.as_ref();
        for feeder in feeders {
            // What sends stands here once, so that it becomes a part of this loop.
            let mut windows = feeder.expand.map(|windows| windows.around(header.ts));
            loop {
                let window = match &mut windows {
                    None => [0; 16],
                    Some(windows) => match windows.next() {
                        None => break,
                        Some(window) => WindowLayout::row_of(window),
                    },
                };
                self.send(feeder, header, &[row, &window, &[]], &mut send)?;
                if windows.is_none() {
                    break;
                }
            }
        }
        Ok(())
    }
}

/// The slots of some columns.
pub(crate) fn slots_of(layout: &RowLayout, columns: &[usize]) -> Option<Vec<Slot>> {
    columns.iter().map(|column| layout.slots().get(*column).copied()).collect()
}
