//! Where a story takes place: a folder with the store, or a server with one, and the output.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::sleep;
use std::time::Duration;

use tempfile::TempDir;
use tidewire_snapshot::{DirStore, Manifest, ObjectName, Store, catalog};

use super::capture::OPTIONS;
use super::{Capture, Phase, SqlJob, names};
use crate::s3::{
    ACCESS_KEY_ID, BUCKET, Fault, Plan, Proxy, REGION, Request, SECRET_ACCESS_KEY, Server, seeded,
    serve,
};

const PREFIX: &str = "jobs/killed";
/// So many percent of the requests meet a fault.
const FAULT_PERCENT: u64 = 3;
const FAULTS: [Fault; 6] = [
    Fault::SlowDown,
    Fault::InternalError,
    Fault::ErrorAfter,
    Fault::ResetBefore,
    Fault::ResetAfter,
    Fault::Truncate,
];
/// A request of a process that was killed may still be on its way to the server, which is waited for.
const VERIFY_TRIES: u32 = 20;

/// What kind of store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A folder.
    Dir,
    /// A server of S3, with a proxy before it.
    S3,
}

/// A folder for a story, with its store and its output.
pub struct Place {
    folder: TempDir,
    remote: Option<Remote>,
}

struct Remote {
    _server: Server,
    proxy: Proxy,
    seen: Arc<Seen>,
}

/// What the proxy has seen: requests that are signs of a phase.
#[derive(Default)]
struct Seen {
    objects: AtomicU64,
    manifests: AtomicU64,
    commits: AtomicU64,
    is_manifest_sent: AtomicBool,
}

/// What a process has left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Left {
    /// Files of the store that are not finished.
    pub(super) unfinished: u64,
    /// Whole objects that no manifest names.
    pub(super) unnamed: u64,
}

impl Place {
    /// A new place. The seed is of the faults on the way to a server.
    ///
    /// # Errors
    /// There is no folder, or no port, to be had.
    pub fn new(kind: Kind, seed: u64) -> io::Result<Self> {
        let faulty = seeded(seed, FAULT_PERCENT, FAULTS.to_vec());
        Self::with(kind, faulty)
    }

    /// A new place where this goes wrong on the way to the server.
    ///
    /// # Errors
    /// There is no folder, or no port, to be had.
    pub fn with(kind: Kind, plan: Plan) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let remote = match kind {
            Kind::Dir => None,
            Kind::S3 => {
                let server = serve(&folder.path().join("server"))?;
                let seen = Arc::new(Seen::default());
                let proxy = Proxy::start(server.endpoint(), watched(plan, Arc::clone(&seen)))?;
                Some(Remote { _server: server, proxy, seen })
            }
        };
        Ok(Self { folder, remote })
    }

    /// All of it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where the bars go.
    #[must_use]
    pub fn out(&self) -> PathBuf {
        self.folder().join("out")
    }

    /// Where late events go.
    #[must_use]
    pub fn late(&self) -> PathBuf {
        self.folder().join("late")
    }

    /// Whether the store is on a server.
    #[must_use]
    pub fn is_remote(&self) -> bool {
        self.remote.is_some()
    }

    /// To how many requests something has happened.
    #[must_use]
    pub fn faults(&self) -> u64 {
        self.remote.as_ref().map_or(0, |remote| remote.proxy.faults())
    }

    /// Where the store's objects lie in truth.
    #[must_use]
    pub fn objects(&self) -> PathBuf {
        match &self.remote {
            None => self.folder().join("store"),
            Some(_) => self.folder().join("server").join(BUCKET).join(PREFIX),
        }
    }

    fn store(&self) -> Result<DirStore, String> {
        DirStore::open(&self.objects()).map_err(|error| error.to_string())
    }

    /// A replay with snapshots here, without its output.
    #[must_use]
    pub fn replay(&self, binary: &Path, capture: &Capture) -> Command {
        let mut command = Command::new(binary);
        command.arg("replay").arg(capture.path()).args(OPTIONS);
        let (store, endpoint) = self.location(&mut command);
        command.args(["--snapshots", &store]);
        if let Some(endpoint) = endpoint {
            command.args(["--endpoint", endpoint]);
        }
        command
    }

    /// A job in SQL with snapshots here, that runs in a folder.
    pub(super) fn sql(&self, binary: &Path, job: &SqlJob, within: &Path) -> Command {
        let mut command = job.command(binary, within);
        let (store, endpoint) = self.location(&mut command);
        command.args(["--set", &format!("snapshot.store={store}")]);
        if let Some(endpoint) = endpoint {
            command.args(["--set", &format!("snapshot.endpoint={endpoint}")]);
        }
        command
    }

    /// The store's name and its server, as a process is told; what it needs to be let in is in its environment.
    fn location(&self, command: &mut Command) -> (String, Option<&str>) {
        let Some(remote) = &self.remote else {
            return (self.objects().display().to_string(), None);
        };
        command.env("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID);
        command.env("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY);
        command.env("AWS_REGION", REGION);
        (format!("s3://{BUCKET}/{PREFIX}"), Some(remote.proxy.endpoint()))
    }

    pub(super) fn has_snapshots(&self) -> Result<bool, String> {
        Ok(names(&self.objects().join("manifest"))?.iter().any(|name| name.ends_with(".json")))
    }

    /// Says whether every snapshot is whole.
    ///
    /// # Errors
    /// One is not.
    pub fn verify(&self) -> Result<(), String> {
        let tries = if self.is_remote() { VERIFY_TRIES } else { 1 };
        let mut verdict = Ok(());
        for _ in 0..tries {
            verdict = self.verify_once();
            if verdict.is_ok() {
                break;
            }
            sleep(Duration::from_millis(50));
        }
        verdict
    }

    fn verify_once(&self) -> Result<(), String> {
        let store = self.store()?;
        for found in catalog::snapshots(&store).map_err(|error| error.to_string())? {
            let manifest = found.manifest.map_err(|error| error.to_string())?;
            if let Some(error) = catalog::verify(&store, &manifest, self.folder()).first() {
                return Err(format!("the snapshot of epoch {}: {error}", found.epoch));
            }
        }
        Ok(())
    }

    pub(super) fn left_behind(&self) -> Result<Left, String> {
        let store = self.store()?;
        let failed = |error: tidewire_snapshot::StoreError| error.to_string();
        let found = catalog::snapshots(&store).map_err(failed)?;
        let manifests = found.iter().filter_map(|found| found.manifest.as_ref().ok());
        let named: BTreeSet<_> =
            manifests.flat_map(Manifest::objects).map(|object| object.name.clone()).collect();
        let mut left = Left::default();
        for prefix in ObjectName::PREFIXES {
            let stored = store.list(prefix).map_err(failed)?;
            left.unnamed += stored.iter().filter(|it| !named.contains(&it.name)).count() as u64;
            left.unfinished += super::unfinished(&self.objects().join(prefix))?.len() as u64;
        }
        Ok(left)
    }

    /// How many signs of a phase there are by now. In a folder these are files that appear, which `seen` gathers.
    pub(super) fn signs(&self, phase: Phase, process: u32, seen: &mut BTreeSet<String>) -> u64 {
        if let Some(Remote { seen, .. }) = &self.remote {
            return match phase {
                Phase::Object => seen.objects.load(Relaxed),
                Phase::Manifest => seen.manifests.load(Relaxed),
                Phase::Commit => seen.commits.load(Relaxed),
                Phase::Anywhere | Phase::Restore => 0,
            };
        }
        let unfinished = format!(".{process}-");
        let is_sign = |name: &String| match phase {
            Phase::Commit => name.ends_with(".json"),
            _ => name.ends_with(".unfinished") && name.contains(&unfinished),
        };
        let folders = match phase {
            Phase::Object => &["log", "base", "sink"][..],
            Phase::Manifest | Phase::Commit => &["manifest"],
            Phase::Anywhere | Phase::Restore => &[],
        };
        for folder in folders {
            // What can not be read now is read in a moment.
            let found = names(&self.objects().join(folder)).unwrap_or_default();
            seen.extend(found.into_iter().filter(is_sign));
        }
        seen.len() as u64
    }
}

/// The same plan; what passes is seen.
fn watched(mut plan: Plan, seen: Arc<Seen>) -> Plan {
    Box::new(move |request: &Request| {
        let is_of = |folder: &str| request.target.contains(&format!("{PREFIX}/{folder}/"));
        let is_written = request.method == "PUT" || request.method == "POST";
        if is_written && is_of("manifest") {
            seen.manifests.fetch_add(1, Relaxed);
            seen.is_manifest_sent.store(true, Relaxed);
        } else if seen.is_manifest_sent.swap(false, Relaxed) {
            seen.commits.fetch_add(1, Relaxed);
        }
        if is_written && ["log", "base", "sink"].into_iter().any(is_of) {
            seen.objects.fetch_add(1, Relaxed);
        }
        plan(request)
    })
}
