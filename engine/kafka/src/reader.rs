//! Reads a topic: all its partitions, on one thread.
//!
//! 1. Partitions are assigned by hand, each from the offset that the options or a snapshot say. New ones are looked for from
//!    time to time, on a thread of its own, and are read from their beginning.
//! 2. A message that is no row is passed over or stops the job, and moves the place on like others.
//! 3. A row is received when it is read. But time stands still while no broker can be reached, and while a partition has
//!    more that does not come, since another's backlog comes first: so a partition that is not heard is not taken for idle.
//! 4. A bounded read ends each partition at the offset that was its end when it began, also where the last offsets there
//!    are marks of transactions and no messages.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{Message, OwnedMessage};
use rdkafka::{Offset, TopicPartitionList};
use tidewire_connect::tables::message::{MessageDecoder, decoder};
use tidewire_connect::tables::{Columns, Options, Read, TableError, TableReader};

use crate::client::{Context, create, input, is_refusal, partitions_of};
use crate::limits::LOOK_EVERY;
use crate::metadata::Metadata;
use crate::options::KafkaOptions;
use crate::place::{Offsets, Place};
use crate::poison::Poison;
use crate::start::Topic;

/// Where the table says nothing else. A queue that was full is filled again soon, and not after a second.
const OURS: [(&str, &str); 4] = [
    ("enable.auto.commit", "false"),
    ("fetch.queue.backoff.ms", "10"),
    ("allow.auto.create.topics", "false"),
    ("isolation.level", "read_committed"),
];

/// The readers of a table: one for each topic.
pub(crate) fn readers(
    options: Options,
    columns: &Columns,
    unix_now_ns: fn() -> i64,
) -> Result<Vec<Box<dyn TableReader>>, TableError> {
    let mut options = options;
    let kafka = KafkaOptions::take(&mut options)?;
    let formats = options.clone();
    let one = |topic: &String| {
        let decoder = decoder(&mut formats.clone(), columns)?;
        let reader = TopicReader::open(&kafka, topic, decoder, columns, unix_now_ns)?;
        Ok::<_, TableError>(Box::new(reader) as Box<dyn TableReader>)
    };
    // What no side knows is said before a broker is asked.
    decoder(&mut options, columns)?;
    options.finish()?;
    kafka.check_start()?;
    kafka.topics.iter().map(one).collect()
}

/// Reads a topic.
struct TopicReader {
    consumer: Arc<BaseConsumer<Context>>,
    options: KafkaOptions,
    topic: String,
    decoder: Box<dyn MessageDecoder>,
    metadata: Metadata,
    poison: Poison,
    unix_now_ns: fn() -> i64,
    /// Empty until it begins.
    partitions: Vec<Partition>,
    /// Those whose end has not come.
    open: usize,
    found: Arc<Found>,
    /// What the client had while its thread waited.
    held: Option<Result<OwnedMessage, KafkaError>>,
    /// Held for as long as new partitions are looked for.
    _looking: Option<Sender<()>>,
    now: i64,
    since_look: u32,
    /// Since when no broker could be reached, if that is so.
    cut_off_since: Option<i64>,
    /// How long that was before, ns: by so much its time is behind.
    cut_off_ns: i64,
    tombstones: u64,
}

/// What is found by the thread that looks for new partitions.
#[derive(Debug)]
struct Found {
    /// How many there are; 0: the topic is gone.
    partitions: AtomicU32,
    /// Whether a broker has answered since it was last set to false.
    is_reached: AtomicBool,
}

/// A partition that is read.
#[derive(Debug, Clone, Copy)]
struct Partition {
    next: i64,
    end: Option<i64>,
    /// Whether there was no more when it was last heard of.
    is_at_end: bool,
    /// Whether it is read no further.
    is_done: bool,
    /// When its newest message came, ns since the epoch.
    heard: i64,
}

impl TopicReader {
    fn open(
        options: &KafkaOptions,
        topic: &str,
        decoder: Box<dyn MessageDecoder>,
        columns: &Columns,
        unix_now_ns: fn() -> i64,
    ) -> Result<Self, TableError> {
        let mut config = options.client(&OURS);
        config.set("enable.partition.eof", "true").set("auto.offset.reset", "error");
        if options.group().is_none() {
            // A client that assigns by hand needs one too; it commits nothing and joins nothing.
            config.set("group.id", format!("tidewire-{topic}"));
        }
        let metadata = Metadata::of(columns)?;
        let consumer: Arc<BaseConsumer<Context>> = Arc::new(create(&config)?);
        let asked = Topic { consumer: &consumer, name: topic, brokers: options.brokers() };
        let partitions = AtomicU32::new(asked.partitions()?);
        let found = Arc::new(Found { partitions, is_reached: AtomicBool::new(false) });
        Ok(Self {
            consumer,
            options: options.clone(),
            topic: topic.to_owned(),
            decoder,
            metadata,
            poison: Poison::new(options)?,
            unix_now_ns,
            partitions: Vec::new(),
            open: 0,
            found,
            held: None,
            _looking: None,
            now: unix_now_ns(),
            since_look: 0,
            cut_off_since: None,
            cut_off_ns: 0,
            tombstones: 0,
        })
    }

    fn asked(&self) -> Topic<'_> {
        let brokers = self.options.brokers();
        Topic { consumer: &self.consumer, name: &self.topic, brokers }
    }

    /// Begins where the options say, if it has not begun.
    fn begin(&mut self) -> Result<(), TableError> {
        if !self.partitions.is_empty() {
            return Ok(());
        }
        let place = self.asked().begin(&self.options.startup, self.options.is_bounded)?;
        self.begin_at(&place)
    }

    fn begin_at(&mut self, place: &Place) -> Result<(), TableError> {
        self.add(&place.partitions)?;
        if let Some(every) = self.options.discovery.filter(|_| !self.options.is_bounded) {
            self._looking = Some(look(&self.consumer, &self.topic, every, &self.found)?);
        }
        Ok(())
    }

    /// Reads these partitions too.
    fn add(&mut self, more: &[Offsets]) -> Result<(), TableError> {
        let mut list = TopicPartitionList::new();
        let failed = |this: &Self, error: KafkaError| this.asked().error(error.to_string());
        for (number, Offsets { next, end }) in (self.partitions.len()..).zip(more) {
            let is_done = end.is_some_and(|end| *next >= end);
            if !is_done {
                self.open += 1;
                list.add_partition_offset(&self.topic, number as i32, Offset::Offset(*next))
                    .map_err(|error| failed(self, error))?;
            }
            let (is_at_end, heard) = (false, self.reached_at(self.now));
            self.partitions.push(Partition { next: *next, end: *end, is_at_end, is_done, heard });
        }
        if list.count() == 0 {
            return Ok(());
        }
        self.consumer.incremental_assign(&list).map_err(|error| failed(self, error))
    }

    /// Looks at what is seldom new.
    #[cold]
    fn look(&mut self) -> Result<(), TableError> {
        self.now = (self.unix_now_ns)();
        if self.cut_off_since.is_some() && self.found.is_reached.load(Relaxed) {
            // Where the topic is quiet, there is no other sign of it.
            self.is_reached();
        }
        let known = self.found.partitions.load(Relaxed) as usize;
        if known == 0 {
            return Err(self.asked().error("the topic was deleted"));
        }
        if known > self.partitions.len() && !self.options.is_bounded {
            let new = self.partitions.len() as i32..known as i32;
            let new = new.map(|it| Ok(Offsets { next: self.asked().ends(it)?.0, end: None }));
            self.add(&new.collect::<Result<Vec<_>, TableError>>()?)?;
        }
        Ok(())
    }

    /// The time that has passed for the topic when it is `now`: see the module.
    fn time_at(&self, now: i64) -> i64 {
        let reached = self.reached_at(now);
        let behind = self.partitions.iter().filter(|it| !it.is_at_end && !it.is_done);
        behind.map(|it| it.heard).min().map_or(reached, |heard| heard.min(reached))
    }

    /// The same without the times in which no broker was reached.
    fn reached_at(&self, now: i64) -> i64 {
        self.cut_off_since.unwrap_or(now).saturating_sub(self.cut_off_ns)
    }

    /// A broker was reached.
    fn is_reached(&mut self) {
        if let Some(since) = self.cut_off_since.take() {
            self.now = (self.unix_now_ns)();
            self.cut_off_ns += self.now.saturating_sub(since).max(0);
        }
    }

    /// A partition is read no further.
    fn done(&mut self, number: usize) -> Result<(), TableError> {
        let partition = &mut self.partitions[number];
        if !partition.is_done {
            partition.is_done = true;
            self.open -= 1;
            let mut list = TopicPartitionList::new();
            list.add_partition(&self.topic, number as i32);
            let failed = |error: KafkaError| self.asked().error(error.to_string());
            self.consumer.incremental_unassign(&list).map_err(failed)?;
        }
        Ok(())
    }

    /// Something other than a message has come.
    #[cold]
    fn event(&mut self, error: &KafkaError) -> Result<(), TableError> {
        if let KafkaError::PartitionEOF(number) = error {
            self.is_reached();
            let Some(partition) = self.partitions.get_mut(*number as usize) else { return Ok(()) };
            partition.is_at_end = true;
            if let Some(end) = partition.end {
                // The marks of transactions behind the last message are read too.
                partition.next = partition.next.max(end);
                return self.done(*number as usize);
            }
            return Ok(());
        }
        let code = error.rdkafka_error_code();
        self.consumer.context().trouble(error, "");
        let problem = match code {
            Some(Code::AutoOffsetReset | Code::OffsetOutOfRange) => {
                // The ranges say which partition it is.
                let place = self.place();
                self.asked().go_on(place, self.options.is_bounded)?;
                return Err(self
                    .asked()
                    .error(format!("{error}: a partition has lost its next offset")));
            }
            Some(Code::UnknownTopic | Code::UnknownTopicOrPartition | Code::UnknownPartition) => {
                // A broker that has just started may not know it yet.
                return self.asked().partitions().map(|_| ());
            }
            Some(Code::AllBrokersDown) => {
                self.found.is_reached.store(false, Relaxed);
                self.cut_off_since.get_or_insert((self.unix_now_ns)());
                return Ok(());
            }
            Some(code) if is_refusal(code) => error.to_string(),
            _ if matches!(error, KafkaError::MessageConsumptionFatal(_)) => error.to_string(),
            _ => return Ok(()),
        };
        Err(self.asked().error(problem))
    }

    fn place(&self) -> Place {
        let offsets = |it: &Partition| Offsets { next: it.next, end: it.end };
        Place {
            topic: self.topic.clone(),
            partitions: self.partitions.iter().map(offsets).collect(),
        }
    }

    /// Takes a message in, and makes a row of it if it is one.
    #[inline]
    fn take(&mut self, message: &impl Message, row: &mut [u8]) -> Result<Option<Read>, TableError> {
        let (number, offset) = (message.partition() as usize, message.offset());
        let Some(partition) = self.partitions.get_mut(number) else { return Ok(None) };
        // What comes behind the end, or was on its way when the partition was given back.
        if partition.is_done || offset < partition.next {
            return Ok(None);
        }
        if partition.end.is_some_and(|end| offset >= end) {
            return self.done(number).map(|()| None);
        }
        if self.cut_off_since.is_some() {
            self.is_reached();
        }
        let heard = self.reached_at(self.now);
        let partition = &mut self.partitions[number];
        partition.next = offset + 1;
        (partition.is_at_end, partition.heard) = (false, heard);
        let is_last = partition.end == Some(partition.next);
        let is_row = self.decode(message, row)?;
        if is_last {
            self.done(number)?;
        }
        if is_row {
            let received = Some(self.time_at(self.now));
            return Ok(Some(Read::Row { received, partition: number as u32 }));
        }
        row.fill(0);
        Ok(None)
    }

    /// Makes a row of a message, and says whether it is one.
    #[inline]
    fn decode(&mut self, message: &impl Message, row: &mut [u8]) -> Result<bool, TableError> {
        let Self { decoder, metadata, poison, tombstones, .. } = self;
        let Some(payload) = message.payload() else {
            // A message without a value removes a key, which a table of rows has no form for.
            *tombstones += 1;
            return Ok(false);
        };
        let decoded = decoder.decode(payload, row, &mut |at, slot, writer| {
            metadata.write(at, slot, message, writer)
        });
        match decoded {
            Ok(()) => Ok(true),
            Err(bad) => poison.take(message, &bad).map(|()| false),
        }
    }
}

/// Looks for new partitions every so often, until the sender is dropped.
fn look(
    consumer: &Arc<BaseConsumer<Context>>,
    topic: &str,
    every: Duration,
    found: &Arc<Found>,
) -> Result<Sender<()>, TableError> {
    let (consumer, found) = (Arc::clone(consumer), Arc::clone(found));
    let (held, dropped) = channel();
    let name = topic.to_owned();
    let work = move || {
        while dropped.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
            match partitions_of(&consumer, &name) {
                Ok(count) => {
                    found.partitions.store(count.unwrap_or(0), Relaxed);
                    found.is_reached.store(true, Relaxed);
                }
                Err(error) => consumer.context().trouble(&error, "when partitions were looked for"),
            }
        }
    };
    let spawned = thread::Builder::new().name("kafka-partitions".to_owned()).spawn(work);
    spawned.map(|_| held).map_err(|error| input(topic, format!("no thread: {error}")))
}

impl TableReader for TopicReader {
    fn read(&mut self, row: &mut [u8]) -> Result<Read, TableError> {
        self.begin()?;
        let consumer = Arc::clone(&self.consumer);
        loop {
            if self.options.is_bounded && self.open == 0 {
                self.poison.flush()?;
                return Ok(Read::End);
            }
            self.since_look = self.since_look.wrapping_add(1);
            if self.since_look.is_multiple_of(LOOK_EVERY) {
                self.look()?;
            }
            let taken = match self.held.take() {
                Some(Ok(message)) => self.take(&message, row)?,
                Some(Err(error)) => self.event(&error).map(|()| None)?,
                None => match consumer.poll(Duration::ZERO) {
                    Some(Ok(message)) => self.take(&message, row)?,
                    Some(Err(error)) => self.event(&error).map(|()| None)?,
                    None => {
                        self.look()?;
                        return Ok(Read::Nothing);
                    }
                },
            };
            if let Some(read) = taken {
                return Ok(read);
            }
        }
    }

    fn has_threads(&self) -> bool {
        true
    }

    /// Until the client has something, which is held then.
    fn wait(&mut self, at_most: Duration) -> bool {
        if self.held.is_none() {
            let came = self.consumer.poll(at_most);
            self.held = came.map(|came| came.map(|message| message.detach()));
        }
        true
    }

    fn partitions(&self) -> u32 {
        self.partitions.len().max(1) as u32
    }

    fn is_live(&self) -> bool {
        !self.options.is_bounded
    }

    fn position(&mut self) -> Result<Option<String>, TableError> {
        self.begin()?;
        self.poison.flush()?;
        Ok(Some(self.place().to_string()))
    }

    fn resume(&mut self, position: &str) -> Result<bool, TableError> {
        let Some(place) = Place::parse(position) else {
            return Err(self
                .asked()
                .error(format!("the snapshot says '{position}', which is no place in a topic")));
        };
        let place = self.asked().go_on(place, self.options.is_bounded)?;
        self.begin_at(&place)?;
        Ok(true)
    }

    fn durable(&mut self, position: &str) {
        let Some(place) = Place::parse(position).filter(|_| self.options.group().is_some()) else {
            return;
        };
        let mut list = TopicPartitionList::new();
        let added = (0..).zip(&place.partitions).try_for_each(|(partition, offsets)| {
            list.add_partition_offset(&place.topic, partition, Offset::Offset(offsets.next))
        });
        let committed = added.and_then(|()| self.consumer.commit(&list, CommitMode::Async));
        if let Err(error) = committed {
            self.consumer.context().trouble(&error, "when offsets were committed to the group");
        }
    }

    fn time(&self, now: i64) -> i64 {
        self.time_at(now)
    }

    fn skipped(&self) -> Vec<(String, u64)> {
        let mut skipped = self.decoder.skipped();
        skipped.extend(self.poison.counts());
        if self.tombstones > 0 {
            skipped.push(("messages left out: they have no value".to_owned(), self.tombstones));
        }
        skipped
    }

    fn troubles(&self) -> Vec<(String, u64)> {
        let mut troubles = self.consumer.context().troubles();
        troubles.extend(self.poison.troubles());
        troubles
    }
}
