//! The store on S3: against a server in process, by the real protocol, and with faults on the way.

mod conformance;
mod faults;
mod fence;
mod open;
mod truth;

use std::fs::File;
use std::io::Read;
use std::time::Duration;

use tempfile::TempDir;
use tidewire_s3::{S3Options, S3Store};
use tidewire_snapshot::{Store, StoreError};
use tidewire_tests::s3::{
    ACCESS_KEY_ID, BUCKET, Conditions, Plan, Proxy, REGION, SECRET_ACCESS_KEY, Server,
};

/// The smallest part that a server takes.
const PART: usize = 5 << 20;
/// How long an attempt may take; a stall is longer.
const ATTEMPT: Duration = Duration::from_millis(500);
const STALL: Duration = Duration::from_millis(700);
/// Where nothing stalls on purpose.
const PATIENT: Duration = Duration::from_secs(20);

/// A server with a proxy before it, and a store that speaks to the proxy.
struct Place {
    store: S3Store,
    proxy: Proxy,
    server: Server,
    folder: TempDir,
}

impl Place {
    fn new(plan: Plan) -> Place {
        Place::with(Conditions::Honoured, plan, ATTEMPT)
    }

    fn healthy() -> Place {
        Place::with(Conditions::Honoured, tidewire_tests::s3::healthy(), PATIENT)
    }

    fn with(conditions: Conditions, plan: Plan, attempt_timeout: Duration) -> Place {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(&folder.path().join("server"), 0, conditions).unwrap();
        let proxy = Proxy::start(server.endpoint(), plan).unwrap();
        let store = store(proxy.endpoint(), attempt_timeout);
        Place { store, proxy, server, folder }
    }

    /// What lies there in truth.
    fn object(&self, name: &str) -> Option<Vec<u8>> {
        std::fs::read(self.server.bucket().join("jobs/one").join(name)).ok()
    }

    fn fetched(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let file = self.store.fetch(name, self.folder.path())?;
        Ok(file.map(content))
    }
}

/// A store that speaks to `endpoint`, with little patience.
fn store(endpoint: &str, attempt_timeout: Duration) -> S3Store {
    S3Store::open_with(&format!("s3://{BUCKET}/jobs/one"), &options(endpoint, attempt_timeout))
        .unwrap()
}

fn options(endpoint: &str, attempt_timeout: Duration) -> S3Options {
    S3Options {
        endpoint: Some(endpoint.to_owned()),
        credentials: Some((ACCESS_KEY_ID.to_owned(), SECRET_ACCESS_KEY.to_owned())),
        region: Some(REGION.to_owned()),
        attempt_timeout,
        pause: Duration::from_millis(2),
        part_bytes: PART,
        parallel: 3,
        ..S3Options::default()
    }
}

fn content(mut file: File) -> Vec<u8> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).unwrap();
    bytes
}

/// Bytes that differ at every place where a part could be lost, doubled or swapped.
fn bytes(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        bytes.extend_from_slice(&(state >> 8).to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Writes an object in uneven pieces.
fn write(store: &dyn Store, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
    let mut writer = store.create(name)?;
    for piece in bytes.chunks(777_777) {
        writer.write(piece)?;
    }
    writer.finish()
}
