//! The connector with a cluster in process. That answers like brokers do, but forgets the offsets that are committed in a
//! transaction, and lets a process go on whose id another has taken over: tests commit such offsets beside it, or want a
//! real broker (`scripts/kafka.sh`).

mod reading;
mod writing;

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, Headers, Message, OwnedHeaders};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use tidewire_connect::tables::{Column, Columns, Connector, Options, Read, TableReader};
use tidewire_event::{DataType, Field, RowWriter, Value};

use crate::Kafka;

const ASK: Duration = Duration::from_secs(20);

struct Cluster {
    mock: MockCluster<'static, DefaultProducerContext>,
}

/// A message that a test looks at.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    key: Option<String>,
    value: String,
    headers: BTreeMap<String, String>,
}

impl Cluster {
    fn new(topics: &[(&str, i32)]) -> Self {
        let mock = MockCluster::new(1).unwrap();
        topics.iter().for_each(|(topic, count)| mock.create_topic(topic, *count, 1).unwrap());
        Self { mock }
    }

    fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.mock.bootstrap_servers());
        config
    }

    /// Writes messages, each to its partition.
    fn write(&self, topic: &str, messages: &[(i32, &str)]) {
        let producer: BaseProducer = self.client().create().unwrap();
        for (partition, value) in messages {
            let headers = OwnedHeaders::new().insert(Header { key: "by", value: Some("test") });
            let key = format!("key of {value}");
            let record = BaseRecord::to(topic).partition(*partition).key(&key).payload(*value);
            producer.send(record.timestamp(1_700_000_000_000).headers(headers)).unwrap();
            // One request for each: so offsets follow the order.
            producer.flush(ASK).unwrap();
        }
    }

    /// What is in a topic.
    fn read(&self, topic: &str) -> Vec<Seen> {
        let mut config = self.client();
        config.set("group.id", "test").set("enable.partition.eof", "true");
        let reader: BaseConsumer = config.create().unwrap();
        let metadata = reader.fetch_metadata(Some(topic), ASK).unwrap();
        let count = metadata.topics()[0].partitions().len();
        let mut list = TopicPartitionList::new();
        for partition in 0..count {
            list.add_partition_offset(topic, partition as i32, Offset::Beginning).unwrap();
        }
        reader.assign(&list).unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let (mut seen, mut ended) = (Vec::new(), 0);
        while ended < count {
            match reader.poll(ASK).expect("an answer") {
                Err(KafkaError::PartitionEOF(_)) => ended += 1,
                Err(error) => panic!("{error}"),
                Ok(message) => {
                    let headers = message.headers().into_iter().flat_map(Headers::iter);
                    seen.push(Seen {
                        key: message.key().map(text),
                        value: text(message.payload().unwrap()),
                        headers: headers
                            .map(|it| (it.key.to_owned(), text(it.value.unwrap())))
                            .collect(),
                    });
                }
            }
        }
        seen
    }

    fn values(&self, topic: &str) -> Vec<String> {
        self.read(topic).into_iter().map(|seen| seen.value).collect()
    }

    /// Commits an offset of partition 0 for a group.
    fn commit(&self, group: &str, topic: &str, offset: i64) {
        let client: BaseConsumer = self.client().set("group.id", group).create().unwrap();
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, 0, Offset::Offset(offset)).unwrap();
        client.commit(&list, CommitMode::Sync).unwrap();
    }

    fn committed(&self, group: &str, topic: &str) -> Option<i64> {
        let client: BaseConsumer = self.client().set("group.id", group).create().unwrap();
        let mut list = TopicPartitionList::new();
        list.add_partition(topic, 0);
        match client.committed_offsets(list, ASK).unwrap().elements()[0].offset() {
            Offset::Offset(offset) => Some(offset),
            _ => None,
        }
    }

    fn options(&self, topic: &str, more: &[(&str, &str)]) -> Options {
        let servers = self.mock.bootstrap_servers();
        let own =
            [("topic", topic), ("properties.bootstrap.servers", &*servers), ("format", "json")];
        let all =
            own.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Options::new("kafka", all.collect())
    }

    /// The only reader of a table, and its columns.
    fn reader(&self, topic: &str, more: &[(&str, &str)]) -> Result<Rows, String> {
        let columns = numbers();
        let made = CONNECTOR.readers(self.options(topic, more), &columns);
        let mut made = made.map_err(|error| error.to_string())?;
        assert_eq!(made.len(), 1);
        Ok(Rows { reader: made.remove(0), columns })
    }
}

/// The time stands still.
const CONNECTOR: Kafka = Kafka { unix_now_ns: || 1_700_000_000_000_000_000 };

fn field(name: &str, ty: DataType) -> Field {
    Field::new(name, ty)
}

/// A table of numbers with what is known of their messages.
fn numbers() -> Columns {
    let known = |key: &str, ty| Column { field: field(key, ty), metadata: Some(key.to_owned()) };
    let map = DataType::Map(Box::new(DataType::String), Box::new(DataType::Bytes));
    Columns::all(vec![
        known("key", DataType::String),
        Column::physical(field("n", DataType::Int)),
        known("partition", DataType::Int),
        known("offset", DataType::BigInt),
        known("topic", DataType::String),
        known("timestamp", DataType::TimestampLtz(3)),
        known("headers", map),
    ])
    .unwrap()
}

struct Rows {
    reader: Box<dyn TableReader>,
    columns: Columns,
}

impl Rows {
    /// The next row, if one comes within a while; none at the end.
    fn next(&mut self) -> Result<Option<Vec<Value>>, String> {
        let mut row = vec![0; 1024];
        for _ in 0..200_000 {
            row.fill(0);
            match self.reader.read(&mut row).map_err(|error| error.to_string())? {
                Read::Row { .. } => {
                    let typed = self.columns.columns.iter().zip(self.columns.layout.slots());
                    return Ok(Some(
                        typed
                            .map(|(it, slot)| Value::read(&row, slot, &it.field.ty).unwrap())
                            .collect(),
                    ));
                }
                Read::Nothing => std::thread::sleep(Duration::from_micros(100)),
                Read::End => return Ok(None),
            }
        }
        panic!("nothing comes");
    }

    fn number(&mut self) -> Result<Option<i64>, String> {
        Ok(self.next()?.map(|row| match row[1] {
            Value::Int(number) => number,
            ref other => panic!("{other:?}"),
        }))
    }

    /// The numbers up to the end, in their order where partitions do not mix.
    fn all(&mut self) -> Result<Vec<i64>, String> {
        let mut all = Vec::new();
        while let Some(number) = self.number()? {
            all.push(number);
        }
        all.sort_unstable();
        Ok(all)
    }
}

const EARLIEST: (&str, &str) = ("scan.startup.mode", "earliest-offset");
const BOUNDED: (&str, &str) = ("scan.bounded.mode", "latest-offset");

/// A row of `(name, n)`.
fn out_columns() -> Columns {
    let columns = [field("name", DataType::String), field("n", DataType::Int)];
    Columns::all(columns.into_iter().map(Column::physical).collect()).unwrap()
}

fn out_row(name: &str, n: i64) -> Vec<u8> {
    let columns = out_columns();
    let mut row = vec![0; 256];
    let mut writer = RowWriter::new(&mut row, &columns.layout);
    writer.text(&columns.layout.slots()[0], name.as_bytes()).unwrap();
    writer.int(&columns.layout.slots()[1], n);
    row
}
