//! The journal's thread: takes room from the disk before it is needed, and waits for the disk where a journal must.
//!
//! It answers in the order in which it is asked, so that what was written before a [`Ask::Sync`] is on the disk with it.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use crate::limits::{ASKED_MAX, SPARES_MAX};
use crate::mapped::Mapped;

/// What it is asked for.
pub(crate) enum Ask {
    /// A new segment of so many bytes, under this name.
    Spare(PathBuf, usize),
    /// The segment is full up to here: it is cut to that, and is on the disk before the next answer to `Sync`.
    Finish(File, u64),
    /// All that was written to the segment is to be on the disk, and its name and those of the others.
    Sync(File),
    /// The file is not needed any more.
    Remove(PathBuf),
}

/// Its other end.
pub(crate) struct Keeper {
    asks: Option<SyncSender<Ask>>,
    pub(crate) spares: Receiver<io::Result<Mapped>>,
    synced: Receiver<io::Result<()>>,
    not_removed: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Starts it, for the folder of a journal that waits for the disk, or does not.
    pub(crate) fn start(folder: PathBuf, waits: bool) -> io::Result<Self> {
        let (asks, asked) = sync_channel(ASKED_MAX);
        let (made, spares) = sync_channel(SPARES_MAX);
        let (done, synced) = sync_channel(1);
        let not_removed = Arc::new(AtomicU64::new(0));
        let work = Work { folder, waits, made, done, not_removed: Arc::clone(&not_removed) };
        let thread =
            thread::Builder::new().name("journal".to_owned()).spawn(move || work.run(&asked))?;
        Ok(Self { asks: Some(asks), spares, synced, not_removed, thread: Some(thread) })
    }

    /// Asks; the thread lives as long as this.
    pub(crate) fn ask(&self, ask: Ask) {
        if let Some(asks) = &self.asks {
            let _ = asks.send(ask);
        }
    }

    /// Waits until all that was written to the segment, and to those that were finished before, is on the disk.
    pub(crate) fn sync(&self, file: File) -> io::Result<()> {
        self.ask(Ask::Sync(file));
        self.synced.recv().unwrap_or_else(|_| Err(io::Error::other("the journal's thread is gone")))
    }

    /// Files that could not be removed.
    pub(crate) fn not_removed(&self) -> u64 {
        self.not_removed.load(Relaxed)
    }
}

impl Drop for Keeper {
    /// Waits until all is done that was asked for.
    fn drop(&mut self) {
        self.asks = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Work {
    folder: PathBuf,
    waits: bool,
    made: SyncSender<io::Result<Mapped>>,
    done: SyncSender<io::Result<()>>,
    not_removed: Arc<AtomicU64>,
}

impl Work {
    fn run(self, asked: &Receiver<Ask>) {
        // Why a segment that is full is not on the disk: told with the next answer.
        let mut failed = None;
        while let Ok(ask) = asked.recv() {
            match ask {
                Ask::Spare(path, bytes) => {
                    let made = Mapped::create(&path, bytes).inspect_err(|_| {
                        let _ = fs::remove_file(&path);
                    });
                    let _ = self.made.send(made);
                }
                Ask::Finish(file, used) => {
                    // Zeros behind the last record do no harm where they can not be cut off.
                    let _ = file.set_len(used);
                    if self.waits
                        && let Err(error) = file.sync_all()
                    {
                        failed.get_or_insert(error);
                    }
                }
                Ask::Sync(file) => {
                    let done = match failed.take() {
                        Some(error) => Err(error),
                        None => {
                            file.sync_data().and_then(|()| File::open(&self.folder)?.sync_all())
                        }
                    };
                    let _ = self.done.send(done);
                }
                Ask::Remove(path) => {
                    if fs::remove_file(path).is_err() {
                        self.not_removed.fetch_add(1, Relaxed);
                    }
                }
            }
        }
    }
}
