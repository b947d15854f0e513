//! A shard's state as the store has it: a base and the logs behind it, and the image that both make.
//!
//! 1. The image is what the logs so far have made of the state. It is right at the end of a whole log.
//! 2. The chain is what the store has of it: a base and logs that lead to the last published epoch.
//! 3. An epoch adds a log to the chain; or, where the chain would become too long, or was broken, a new base in its
//!    place, written from the image.
//! 4. What an epoch adds counts when the epoch is published. If it is not, the chain is broken, and the next epoch writes
//!    a base: the image has what is missing.

use tidewire_event::HashRange;
use tidewire_event::limits::{CHAIN_BYTES_FLOOR, CHAIN_LOGS_MAX};
use tidewire_snapshot::{BodyWriter, Compression, Object, ShardState, Store, StoreError, base};
use tidewire_state::{Image, ImageError};

pub(crate) struct Chain<'a> {
    store: &'a dyn Store,
    compression: Compression,
    image: Image,
    base: Option<Object>,
    logs: Vec<Object>,
    is_broken: bool,
    writer: Option<BodyWriter<'a>>,
    added: Option<Added>,
}

/// What an epoch adds to a chain.
enum Added {
    Nothing,
    Log(Object),
    Base(Object),
}

/// Names the objects of an epoch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Names {
    pub(crate) generation: u64,
    pub(crate) attempt: u64,
}

impl Names {
    fn of_shard(self, kind: &str, shard: usize) -> String {
        format!("{kind}/{:08}-{:016}-{shard:03}", self.generation, self.attempt)
    }

    pub(crate) fn sink(self) -> String {
        format!("sink/{:08}-{:016}", self.generation, self.attempt)
    }
}

impl<'a> Chain<'a> {
    /// The chain of a shard that begins empty.
    pub(crate) fn new(store: &'a dyn Store, compression: Compression, image: Image) -> Self {
        Self {
            store,
            compression,
            image,
            base: None,
            logs: Vec::new(),
            is_broken: false,
            writer: None,
            added: None,
        }
    }

    /// The same chain, which goes on from a stored one that `image` was made from; or, where the shard's range is
    /// another, from the image alone.
    pub(crate) fn restored(mut self, stored: Option<&ShardState>) -> Self {
        match stored {
            Some(stored) => (self.base, self.logs) = (stored.base.clone(), stored.logs.clone()),
            None => self.is_broken = true,
        }
        self
    }

    pub(crate) fn range(&self) -> HashRange {
        self.image.range()
    }

    /// Whether this epoch writes a base and no log.
    fn wants_base(&self) -> bool {
        let bytes = |object: &Object| object.bytes;
        let logs: u64 = self.logs.iter().map(bytes).sum();
        let base = self.base.as_ref().map_or(0, bytes).max(CHAIN_BYTES_FLOOR);
        self.is_broken || self.logs.len() >= CHAIN_LOGS_MAX || logs > base
    }

    /// Takes a chunk of the epoch's log in. A store that fails breaks the chain, and the image goes on.
    pub(crate) fn chunk(
        &mut self,
        chunk: &[u8],
        names: Names,
        shard: usize,
    ) -> Result<Result<(), StoreError>, ImageError> {
        self.image.apply(chunk)?;
        if self.wants_base() {
            return Ok(Ok(()));
        }
        let written = (|| {
            if self.writer.is_none() {
                let name = names.of_shard("log", shard);
                self.writer = Some(BodyWriter::create(self.store, &name, self.compression)?);
            }
            self.writer.as_mut().map_or(Ok(()), |writer| writer.write(chunk))
        })();
        Ok(written.inspect_err(|_| self.abandon()))
    }

    /// The epoch's log is whole: stores it, or a base. The bytes stored.
    pub(crate) fn finish(&mut self, names: Names, shard: usize) -> Result<u64, StoreError> {
        let added = if self.wants_base() {
            self.write_base(names, shard).map(Added::Base)
        } else {
            match self.writer.take().map(BodyWriter::finish) {
                Some(log) => log.map(Added::Log),
                None => Ok(Added::Nothing),
            }
        };
        let added = added.inspect_err(|_| self.abandon())?;
        let bytes = match &added {
            Added::Nothing => 0,
            Added::Log(object) | Added::Base(object) => object.bytes,
        };
        self.added = Some(added);
        Ok(bytes)
    }

    fn write_base(&mut self, names: Names, shard: usize) -> Result<Object, StoreError> {
        let name = names.of_shard("base", shard);
        let mut writer = BodyWriter::create(self.store, &name, self.compression)?;
        base::write(&mut self.image, &mut writer)?;
        writer.finish()
    }

    /// The chain with what this epoch adds.
    pub(crate) fn with_added(&self) -> ShardState {
        let HashRange { first, last } = self.range();
        let (mut base, mut logs) = (self.base.clone(), self.logs.clone());
        match &self.added {
            Some(Added::Log(log)) => logs.push(log.clone()),
            Some(Added::Base(new)) => (base, logs) = (Some(new.clone()), Vec::new()),
            Some(Added::Nothing) | None => {}
        }
        ShardState { first_hash: first, last_hash: last, base, logs }
    }

    /// The epoch is published.
    pub(crate) fn published(&mut self) {
        let ShardState { base, logs, .. } = self.with_added();
        self.is_broken &= !matches!(self.added, Some(Added::Base(_)));
        (self.base, self.logs, self.added) = (base, logs, None);
    }

    /// The epoch is not going to be published.
    pub(crate) fn abandon(&mut self) {
        (self.writer, self.added, self.is_broken) = (None, None, true);
    }
}
