//! Apache Kafka for tests: a broker of one node, and clients that look at it.
//!
//! Kafka's jars are where `TIDEWIRE_KAFKA_JARS` says; `scripts/kafka.sh` fetches them.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that has no broker has failed")]

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Headers, Message, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use tempfile::TempDir;

/// How often, with 100 ms between, something is waited for.
const TRIES: u32 = 600;

/// Who may log in.
const LOGIN: &str =
    "org.apache.kafka.common.security.plain.PlainLoginModule required user_ann=\"secret\";";

/// A broker, which ends with this value.
#[derive(Debug)]
pub struct Broker {
    jars: PathBuf,
    folder: TempDir,
    port: u16,
    login_port: u16,
    process: Option<Child>,
}

/// A message, as a test looks at it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Its key.
    pub key: Option<String>,
    /// Its value.
    pub value: String,
    /// Its headers.
    pub headers: Vec<(String, String)>,
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}

impl Broker {
    /// Starts one, with nothing in it; `None`, said on standard error, where there are no jars.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    #[allow(clippy::print_stderr)]
    pub fn start() -> Option<Self> {
        let Some(jars) = std::env::var_os("TIDEWIRE_KAFKA_JARS") else {
            eprintln!("skipped: TIDEWIRE_KAFKA_JARS is not set; scripts/kafka.sh sets it");
            return None;
        };
        let folder = tempfile::tempdir().expect("a folder");
        let (port, controller, login_port) = (free_port(), free_port(), free_port());
        let properties = format!(
            "process.roles=broker,controller\nnode.id=1\n\
             listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller},LOGIN://127.0.0.1:{login_port}\n\
             advertised.listeners=PLAINTEXT://127.0.0.1:{port},LOGIN://127.0.0.1:{login_port}\n\
             controller.listener.names=CONTROLLER\ncontroller.quorum.voters=1@127.0.0.1:{controller}\n\
             listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,LOGIN:SASL_PLAINTEXT\n\
             inter.broker.listener.name=PLAINTEXT\nlistener.name.login.sasl.enabled.mechanisms=PLAIN\n\
             listener.name.login.plain.sasl.jaas.config={LOGIN}\n\
             log.dirs={}\nauto.create.topics.enable=false\n\
             offsets.topic.replication.factor=1\noffsets.topic.num.partitions=2\n\
             transaction.state.log.replication.factor=1\ntransaction.state.log.min.isr=1\n\
             transaction.state.log.num.partitions=2\ngroup.initial.rebalance.delay.ms=0\n\
             log.retention.check.interval.ms=500\nlog.segment.delete.delay.ms=0\n",
            folder.path().join("data").display()
        );
        fs::write(folder.path().join("server.properties"), properties).expect("its properties");
        fs::write(folder.path().join("log4j2.properties"), "rootLogger.level = ERROR\n")
            .expect("its log");
        let mut broker = Self { jars: jars.into(), folder, port, login_port, process: None };
        let mut format = broker.java("kafka.tools.StorageTool");
        format.args(["format", "-t", "AAAAAAAAAAAAAAAAAAAAAQ", "-c"]);
        let formatted = format.arg(broker.properties()).output().expect("java runs");
        let said = String::from_utf8_lossy(&formatted.stderr);
        assert!(formatted.status.success(), "the storage is not formatted: {said}");
        broker.start_again();
        Some(broker)
    }

    fn properties(&self) -> PathBuf {
        self.folder.path().join("server.properties")
    }

    fn java(&self, class: &str) -> Command {
        let mut java = Command::new("java");
        java.args(["-Xmx512m", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp"]);
        java.arg(self.jars.join("*"));
        let log = self.folder.path().join("log4j2.properties");
        java.arg(format!("-Dlog4j2.configurationFile={}", log.display())).arg(class);
        java
    }

    /// Starts it again, with what it had.
    ///
    /// # Panics
    /// It does not start.
    pub fn start_again(&mut self) {
        let log = File::create(self.folder.path().join("log")).expect("its log");
        let mut java = self.java("kafka.Kafka");
        java.arg(self.properties()).stdin(Stdio::null()).stdout(log.try_clone().expect("its log"));
        self.process = Some(java.stderr(log).spawn().expect("java runs"));
        let client: BaseConsumer = self.client().create().expect("a client");
        for _ in 0..TRIES {
            if client
                .fetch_metadata(None, Duration::from_secs(1))
                .is_ok_and(|it| !it.brokers().is_empty())
            {
                return;
            }
            sleep(Duration::from_millis(100));
        }
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        panic!("the broker does not start: {log}");
    }

    /// Stops it at once, as if its host had died.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            // It may have ended by itself.
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Lets it end.
    ///
    /// # Panics
    /// It can not be told to.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let told = Command::new("kill").arg(process.id().to_string()).status();
            assert!(told.expect("kill runs").success());
            process.wait().expect("it ends");
        }
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its address for those who log in, as `ann` with the password `secret`.
    #[must_use]
    pub fn login_address(&self) -> String {
        format!("127.0.0.1:{}", self.login_port)
    }

    /// A client of it.
    #[must_use]
    pub fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.address());
        config
    }

    /// Makes a topic, with options as `retention.ms`.
    ///
    /// # Panics
    /// It can not.
    pub fn create(&self, topic: &str, partitions: i32, options: &[(&str, &str)]) {
        let mut new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
        for (name, value) in options {
            new = new.set(name, value);
        }
        let made = wait_for(self.admin().create_topics([&new], &AdminOptions::new()));
        made.expect("it answers").into_iter().for_each(|topic| assert!(topic.is_ok(), "{topic:?}"));
    }

    /// Makes a topic that was deleted, when it is really gone.
    ///
    /// # Panics
    /// It is there for too long.
    pub fn create_when_gone(&self, topic: &str, partitions: i32) {
        for _ in 0..TRIES {
            let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
            let made = wait_for(self.admin().create_topics([&new], &AdminOptions::new()));
            if made.expect("it answers").iter().all(Result::is_ok) {
                return;
            }
            sleep(Duration::from_millis(100));
        }
        panic!("the topic {topic} is not deleted");
    }

    /// Gives a topic so many partitions.
    ///
    /// # Panics
    /// It can not.
    pub fn grow(&self, topic: &str, partitions: usize) {
        let new = NewPartitions::new(topic, partitions);
        let grown = wait_for(self.admin().create_partitions([&new], &AdminOptions::new()));
        grown
            .expect("it answers")
            .into_iter()
            .for_each(|topic| assert!(topic.is_ok(), "{topic:?}"));
    }

    /// Deletes a topic.
    ///
    /// # Panics
    /// It can not.
    pub fn delete(&self, topic: &str) {
        let deleted = wait_for(self.admin().delete_topics(&[topic], &AdminOptions::new()));
        deleted
            .expect("it answers")
            .into_iter()
            .for_each(|topic| assert!(topic.is_ok(), "{topic:?}"));
    }

    /// Removes what is before an offset of a partition.
    ///
    /// # Panics
    /// It can not.
    pub fn truncate(&self, topic: &str, partition: i32, before: i64) {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, Offset::Offset(before)).expect("an offset");
        let deleted = wait_for(self.admin().delete_records(&list, &AdminOptions::new()));
        deleted.expect("it answers");
    }

    fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.client().create().expect("a client")
    }

    /// Writes messages, each to a partition (-1: by its key), and waits until they are there.
    ///
    /// # Panics
    /// They can not be written.
    pub fn write<'m>(
        &self,
        topic: &str,
        messages: impl IntoIterator<Item = (i32, &'m str, &'m str)>,
    ) {
        let producer: BaseProducer =
            self.client().set("partitioner", "murmur2_random").create().expect("a client");
        for (partition, key, value) in messages {
            let mut record = BaseRecord::to(topic).key(key).payload(value);
            record.partition = (partition >= 0).then_some(partition);
            record.headers = Some(
                OwnedHeaders::new()
                    .insert(rdkafka::message::Header { key: "by", value: Some("test") }),
            );
            while let Err((_, back)) = producer.send(record) {
                producer.poll(Duration::from_millis(10));
                record = back;
            }
        }
        producer.flush(Duration::from_secs(60)).expect("it takes them");
    }

    /// What a reader of committed messages finds in a topic.
    ///
    /// # Panics
    /// It does not answer.
    #[must_use]
    pub fn read(&self, topic: &str) -> Vec<Seen> {
        let mut config = self.client();
        config.set("group.id", "test").set("enable.partition.eof", "true");
        config.set("enable.auto.commit", "false").set("isolation.level", "read_committed");
        let reader: BaseConsumer = config.create().expect("a client");
        let metadata =
            reader.fetch_metadata(Some(topic), Duration::from_secs(10)).expect("it answers");
        let partitions = metadata.topics()[0].partitions().len();
        let mut list = TopicPartitionList::new();
        for partition in 0..partitions {
            list.add_partition_offset(topic, partition as i32, Offset::Beginning)
                .expect("an offset");
        }
        reader.assign(&list).expect("it is assigned");
        let (mut seen, mut ended) = (Vec::new(), 0);
        while ended < partitions {
            match reader.poll(Duration::from_secs(30)).expect("it answers") {
                Ok(message) => seen.push(Seen {
                    partition: message.partition(),
                    offset: message.offset(),
                    key: message.key().map(text),
                    value: message.payload().map(text).unwrap_or_default(),
                    headers: message.headers().map(headers).unwrap_or_default(),
                }),
                Err(KafkaError::PartitionEOF(_)) => ended += 1,
                Err(error) => assert!(error.to_string().contains("Broker"), "{error}"),
            }
        }
        seen
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn headers(of: &impl Headers) -> Vec<(String, String)> {
    of.iter().map(|it| (it.key.to_owned(), it.value.map(text).unwrap_or_default())).collect()
}

/// The admin client answers through a future, which its own thread wakes: this one waits.
fn wait_for<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = std::sync::Arc::new(Unpark(std::thread::current())).into();
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut std::task::Context::from_waker(&waker)) {
            std::task::Poll::Ready(output) => return output,
            std::task::Poll::Pending => std::thread::park(),
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
    }
}
