//! Exactly once: what an epoch wrote is kept until its snapshot is durable, and then goes out in one transaction.
//!
//! 1. A transaction can not be taken up again by another process, and one that is open hides all that is behind it from
//!    readers of what is committed. So none is open while a snapshot is on its way; a transaction takes as long as it takes
//!    to send its messages.
//! 2. The number of the newest batch is in the same transaction, as an offset that is committed for a group which is called
//!    like the transactional id (of partition 0 of the topic). So the topic and the number change together.
//! 3. A restore first takes over the transactional id, which ends what another process has begun and keeps it from going
//!    on. Then it reads the number: batches of the snapshot that are behind it were never committed, and are now.
//! 4. A number that is further than the snapshot, or one that is gone, is an error: rows would be written twice.

use std::collections::VecDeque;

use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerGroupMetadata};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::producer::Producer;
use rdkafka::{Offset, TopicPartitionList};
use tidewire_connect::tables::TableError;

use crate::client::{Context, Unanswered, ask, create};
use crate::limits::{ASK, KEPT_BYTES_MAX, SINK_TRIES, TRANSACTION_TRIES};
use crate::messages::{Account, Batch, Messages};
use crate::options::KafkaOptions;
use crate::producer::{Sending, Sent};

/// Writes a topic exactly once.
pub(crate) struct Transactions {
    sending: Sending,
    id: String,
    topic: String,
    /// Knows the group that numbers are committed for.
    group: BaseConsumer<Context>,
    member: Option<ConsumerGroupMetadata>,
    current: Messages,
    /// Batches that are not in the topic yet, each with its epoch.
    kept: VecDeque<(u64, Batch)>,
    kept_bytes: usize,
    /// The newest batch that is in the topic.
    committed: u64,
}

/// What to do about an error of a transaction.
enum Remedy {
    /// Ask again.
    Again,
    /// Abort the transaction, and begin it anew.
    Abort,
    /// Nothing helps.
    Stop,
}

impl Transactions {
    /// Writes to the topic of the options, under an id that begins with `prefix`.
    pub(crate) fn new(
        options: &KafkaOptions,
        topic: &str,
        prefix: &str,
    ) -> Result<Self, TableError> {
        let id = format!("{prefix}-{topic}");
        let needed = [("transactional.id", &*id), ("enable.idempotence", "true")];
        let sending = Sending::new(options, topic, &needed)?;
        sending.check()?;
        let mut config = options.client(&[]);
        config.set("group.id", &id).set("enable.auto.commit", "false");
        config.set("isolation.level", "read_committed");
        let group = create(&config)?;
        Ok(Self {
            sending,
            id,
            topic: topic.to_owned(),
            group,
            member: None,
            current: Messages::default(),
            kept: VecDeque::new(),
            kept_bytes: 0,
            committed: 0,
        })
    }

    pub(crate) fn error(&self, problem: impl std::fmt::Display) -> TableError {
        self.sending.error(format!("transactional id {}: {problem}", self.id))
    }

    /// Keeps a message.
    pub(crate) fn push(
        &mut self,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
    ) -> Result<(), TableError> {
        self.current.push(key, value);
        if self.current.bytes() + self.kept_bytes > KEPT_BYTES_MAX {
            return Err(self.error(format!(
                "more than {KEPT_BYTES_MAX} bytes of rows wait for their snapshot: take snapshots more often, or look at \
                 why they fail"
            )));
        }
        Ok(())
    }

    /// Ends the batch of an epoch, and says what a snapshot needs to know.
    pub(crate) fn prepare(&mut self, epoch: u64) -> Result<Vec<u8>, TableError> {
        self.begin()?;
        if !self.current.is_empty() {
            let messages = std::mem::take(&mut self.current);
            self.kept_bytes += messages.bytes();
            let newest = self.kept.back().map_or(self.committed, |(_, batch)| batch.number);
            self.kept.push_back((epoch, Batch { number: newest + 1, messages }));
        }
        Ok(Account::write(self.committed, self.kept.iter().map(|(_, batch)| batch)))
    }

    /// Writes the batches up to the epoch.
    pub(crate) fn commit(&mut self, epoch: u64) -> Result<(), TableError> {
        let due = self.kept.iter().take_while(|(of, _)| *of <= epoch).count();
        self.write(due)
    }

    /// Goes on from what a snapshot knows.
    pub(crate) fn restore(&mut self, prepared: &[u8]) -> Result<(), TableError> {
        if prepared.is_empty() {
            return self.begin();
        }
        let Some(Account { committed, batches }) = Account::read(prepared) else {
            return Err(self.error("the snapshot's account of it is none"));
        };
        let Some(found) = self.take_over()? else {
            return Err(self.error(format!(
                "the group {} has no number any more, so nobody knows what of the snapshot is in the topic (the broker \
                 forgets after offsets.retention.minutes): look at the topic, and begin anew",
                self.id
            )));
        };
        let newest = batches.last().map_or(committed, |batch| batch.number);
        if !(committed..=newest).contains(&found) {
            return Err(self.error(format!(
                "the topic holds what was written up to number {found}, and the snapshot knows {committed} to {newest}: it \
                 is not the newest snapshot of what wrote there last, and rows would be written twice"
            )));
        }
        self.committed = found;
        self.kept = batches.into_iter().filter(|it| it.number > found).map(|it| (0, it)).collect();
        self.kept_bytes = self.kept.iter().map(|(_, batch)| batch.messages.bytes()).sum();
        self.write(self.kept.len())
    }

    /// Begins without a snapshot, if it has not begun.
    fn begin(&mut self) -> Result<(), TableError> {
        if self.member.is_some() {
            return Ok(());
        }
        // Nothing of a job without a snapshot was ever written, so the numbers go on from where another ended.
        match self.take_over()? {
            Some(found) => self.committed = found,
            // From now on a number that is missing was forgotten.
            None => self.transaction(&[], 0)?,
        }
        Ok(())
    }

    /// Keeps other processes with this id from going on, and says which number is committed.
    fn take_over(&mut self) -> Result<Option<u64>, TableError> {
        let mut tries = 0;
        while let Err(error) = self.sending.producer.init_transactions(ASK) {
            tries += 1;
            if tries == SINK_TRIES || !matches!(remedy(&error), Remedy::Again) {
                return Err(self.failed(&error));
            }
            if let Some(refusal) = self.sending.context().refusal() {
                return Err(self.error(refusal));
            }
        }
        let mut wanted = TopicPartitionList::new();
        wanted.add_partition(&self.topic, 0);
        let serve = || {
            if let Some(Err(error)) = self.group.poll(std::time::Duration::ZERO) {
                self.group.context().trouble(&error, "");
            }
        };
        let found =
            ask(self.group.context(), serve, || self.group.committed_offsets(wanted.clone(), ASK));
        let found = found.map_err(|Unanswered(why)| self.error(format!("its number: {why}")))?;
        self.member = self.group.group_metadata();
        Ok(found.elements().first().and_then(|element| match element.offset() {
            Offset::Offset(number) => u64::try_from(number).ok(),
            _ => None,
        }))
    }

    /// Writes the first batches that are kept.
    fn write(&mut self, count: usize) -> Result<(), TableError> {
        let batches: Vec<_> = self.kept.drain(..count).map(|(_, batch)| batch).collect();
        let Some(last) = batches.last() else { return Ok(()) };
        let number = last.number;
        self.transaction(&batches, number)?;
        self.kept_bytes -= batches.iter().map(|batch| batch.messages.bytes()).sum::<usize>();
        self.committed = number;
        Ok(())
    }

    /// Writes batches and their number in one transaction, which is begun anew where it can be.
    fn transaction(&mut self, batches: &[Batch], number: u64) -> Result<(), TableError> {
        let mut tries = 0;
        loop {
            let Err(error) = self.attempt(batches, number) else { return Ok(()) };
            tries += 1;
            let (may_go_on, error) = match error {
                Attempt::Client(error) => {
                    (matches!(remedy(&error), Remedy::Abort), self.failed(&error))
                }
                // A client that takes no messages any more has a reason to abort.
                Attempt::Table(error) => (true, error),
            };
            if !may_go_on || tries == TRANSACTION_TRIES {
                return Err(error);
            }
            self.until_done(|producer| producer.abort_transaction(ASK))
                .map_err(|error| self.failed(&error))?;
        }
    }

    fn attempt(&mut self, batches: &[Batch], number: u64) -> Result<(), Attempt> {
        self.sending.producer.begin_transaction()?;
        for (key, value) in batches.iter().flat_map(|batch| batch.messages.iter()) {
            self.sending.send(Sent { key, value, ..Sent::default() })?;
        }
        let mut offsets = TopicPartitionList::new();
        let offset = Offset::Offset(i64::try_from(number).unwrap_or(i64::MAX));
        offsets.add_partition_offset(&self.topic, 0, offset)?;
        if let Some(member) = &self.member {
            self.until_done(|producer| {
                producer.send_offsets_to_transaction(&offsets, member, ASK)
            })?;
        }
        Ok(self.until_done(|producer| producer.commit_transaction(ASK))?)
    }

    /// Asks again while that is the remedy.
    fn until_done(
        &self,
        act: impl Fn(&rdkafka::producer::BaseProducer<Context>) -> Result<(), KafkaError>,
    ) -> Result<(), KafkaError> {
        let mut tries = 0;
        loop {
            let Err(error) = act(&self.sending.producer) else { return Ok(()) };
            tries += 1;
            if tries == SINK_TRIES || !matches!(remedy(&error), Remedy::Again) {
                return Err(error);
            }
        }
    }

    fn failed(&self, error: &KafkaError) -> TableError {
        let code = error.rdkafka_error_code();
        if matches!(code, Some(Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch)) {
            return self.error(
                "another process writes with this id now: this one stops, so that nothing is written twice. If it is \
                 another job, give it a prefix of its own",
            );
        }
        self.error(format!("{error}: {}", self.sending.troubles()))
    }

    /// What went wrong, and was got over.
    pub(crate) fn troubles(&self) -> Vec<(String, u64)> {
        let mut troubles = self.sending.context().troubles();
        troubles.extend(self.group.context().troubles());
        troubles
    }
}

/// How an attempt failed.
enum Attempt {
    Client(KafkaError),
    Table(TableError),
}

impl From<KafkaError> for Attempt {
    fn from(error: KafkaError) -> Self {
        Self::Client(error)
    }
}

impl From<TableError> for Attempt {
    fn from(error: TableError) -> Self {
        Self::Table(error)
    }
}

/// As the client's documentation says of its errors.
fn remedy(error: &KafkaError) -> Remedy {
    match error {
        KafkaError::Transaction(error) if error.is_fatal() => Remedy::Stop,
        KafkaError::Transaction(error) if error.txn_requires_abort() => Remedy::Abort,
        KafkaError::Transaction(error) if error.is_retriable() => Remedy::Again,
        _ => Remedy::Stop,
    }
}
