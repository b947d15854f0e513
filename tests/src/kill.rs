//! Processes that are killed, again and again, and the output that there must be in the end.
//!
//! 1. A story is one job on one store. A process begins it, is killed with SIGKILL, and another goes on with
//!    `--restore`, with other shards, another pace and another compression, until one comes to the end.
//! 2. After each kill the committed parts are a beginning of the undisturbed output, no shorter than before; and every
//!    snapshot that the store names is whole.
//! 3. In the end the parts are the undisturbed output, byte by byte.
//! 4. Whatever is decided by chance is decided by the story's seed, but not the timing of processes: a seed tells which
//!    story it was, and not that it ends alike.
//! 5. Everything ends: a process that takes longer than [`PATIENCE`] has failed.

mod capture;
mod moment;
mod place;
mod rows;
mod sql;
mod tally;
mod work;

use std::fmt;
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

pub use capture::Capture;
pub use moment::Phase;
use moment::Watcher;
pub use place::{Kind, Place};
pub use rows::Rows;
use sql::SqlJob;
pub use tally::Tally;
pub use work::Job;
use work::{Life, Work};

use crate::dice::Dice;

/// How long one process may run.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Kills in one story at most; then a process may come to the end.
const KILLS_OF_A_STORY_MAX: u64 = 9;

/// What to do.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many processes are to be killed.
    pub kills: u64,
    /// The seed of the first story; each other has the next.
    pub seed: u64,
    /// Where the snapshots lie.
    pub kind: Kind,
    /// The program.
    pub binary: PathBuf,
    /// What it does.
    pub job: Job,
    /// How large its input is.
    pub messages: u32,
}

/// A story that did not end well.
#[derive(Debug)]
pub struct Failure {
    /// Which one it was.
    pub seed: u64,
    /// What was wrong.
    pub what: String,
    /// What the last process said.
    pub said: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the story of seed {}: {}\n{}", self.seed, self.what, self.said)
    }
}

/// Tells stories until so many processes have really been killed.
///
/// # Errors
/// A story does not end as it must.
pub fn run(options: &Options, mut say: impl FnMut(&str)) -> Result<Tally, Failure> {
    let failed = |seed, what: String| Failure { seed, what, said: String::new() };
    let work = Work::new(options.job, &options.binary, options.messages);
    let work = work.map_err(|error| failed(options.seed, error))?;
    let mut tally = Tally::default();
    for seed in options.seed.. {
        if tally.kills() >= options.kills {
            break;
        }
        let mut story = Story::new(options, &work, seed).map_err(|error| failed(seed, error))?;
        let told = story.tell(&mut tally, options.kills);
        told.map_err(|what| Failure { seed, what, said: story.said() })?;
        tally.stories += 1;
        say(&format!("seed {seed}: {} kills so far", tally.kills()));
    }
    Ok(tally)
}

struct Story<'a> {
    options: &'a Options,
    work: &'a Work,
    dice: Dice,
    place: Place,
    committed: usize,
}

/// What became of a process.
enum End {
    Killed,
    Came(ExitStatus),
}

impl<'a> Story<'a> {
    fn new(options: &'a Options, work: &'a Work, seed: u64) -> Result<Self, String> {
        let place = Place::new(options.kind, seed).map_err(|error| error.to_string())?;
        Ok(Self { options, work, dice: Dice::new(seed), place, committed: 0 })
    }

    fn said(&self) -> String {
        fs::read_to_string(self.stderr()).unwrap_or_default()
    }

    fn stderr(&self) -> PathBuf {
        self.place.folder().join("stderr")
    }

    fn tell(&mut self, tally: &mut Tally, kills: u64) -> Result<(), String> {
        let kills = (1 + self.dice.below(KILLS_OF_A_STORY_MAX)).min(kills - tally.kills());
        // On an empty store both begin at the beginning.
        let mut restore = self.dice.below(2) == 0;
        let (mut killed, mut is_refusal_tried) = (0, false);
        loop {
            let phase = self.dice.pick(&Phase::ALL);
            let wish = (killed < kills).then_some(phase);
            let (end, phase, threads) = self.live(restore, wish)?;
            match end {
                End::Killed => {
                    killed += 1;
                    tally.add(phase, threads);
                    self.look(tally)?;
                }
                End::Came(status) if status.success() => {
                    tally.unharmed += u64::from(wish.is_some());
                    return self.compare();
                }
                // The manifest of the process before was still on its way to the server when that was killed.
                End::Came(_)
                    if self.place.is_remote() && self.said().contains("another process") =>
                {
                    tally.overtaken += 1;
                }
                End::Came(status) => return Err(format!("a process ended by itself: {status}")),
            }
            restore = true;
            if !is_refusal_tried && self.place.has_snapshots()? {
                is_refusal_tried = true;
                self.refuses_to_begin_again()?;
            }
        }
    }

    /// The life of one process: how it ended, what it did then, and with which threads.
    fn live(
        &mut self,
        restore: bool,
        wish: Option<Phase>,
    ) -> Result<(End, Phase, &'static str), String> {
        let (threads, mut child) = self.start(restore)?;
        let mut watcher = Watcher::new(&self.place, wish, &mut self.dice, capture::SPAN_MS);
        watcher.started(child.id());
        let end = see(&mut child, &mut watcher);
        if end.is_err() {
            // It may be gone already.
            let _ = child.kill().and_then(|()| child.wait());
        }
        Ok((end?, watcher.phase(), threads))
    }

    /// Starts a process with options of its own; the name of its threads.
    fn start(&mut self, restore: bool) -> Result<(&'static str, Child), String> {
        let life = Life::new(&mut self.dice, restore);
        let folder = self.place.folder();
        let mut command = self.work.command(&self.place, &self.options.binary, folder);
        self.work.tell(&life, &mut command);
        let stderr = File::create(self.stderr()).map_err(|error| error.to_string())?;
        command.stdout(Stdio::null()).stderr(stderr);
        let child = command.spawn().map_err(|error| error.to_string())?;
        Ok((life.threads(), child))
    }

    /// Looks at what a kill has left.
    fn look(&mut self, tally: &mut Tally) -> Result<(), String> {
        let rows = self.work.rows(self.place.folder())?;
        self.work.undisturbed().begins_with(&rows)?;
        if rows.len() < self.committed {
            return Err(format!("committed rows are gone: {} of {}", rows.len(), self.committed));
        }
        self.committed = rows.len();
        tally.looked_at(&self.place.left_behind()?);
        self.place.verify()
    }

    fn compare(&self) -> Result<(), String> {
        let rows = self.work.rows(self.place.folder())?;
        self.work.undisturbed().equals(&rows)?;
        for (_, folder) in self.work.outputs(self.place.folder()) {
            if let Some(left) = unfinished(&folder)?.first() {
                return Err(format!("{left} is left in the output"));
            }
        }
        self.place.verify()
    }

    fn refuses_to_begin_again(&self) -> Result<(), String> {
        let fresh = self.place.folder().join("fresh");
        fs::create_dir_all(&fresh).map_err(|error| error.to_string())?;
        // With another output, so that it is the store that refuses.
        let mut command = self.work.command(&self.place, &self.options.binary, &fresh);
        let output = command.output().map_err(|error| error.to_string())?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let parts = self.work.rows(&fresh)?;
        if output.status.success() || !said.contains("already holds snapshots") || parts.len() > 0 {
            return Err(format!("a used store was begun again: {said}"));
        }
        Ok(())
    }
}

/// Waits for the moment, and kills.
fn see(child: &mut Child, watcher: &mut Watcher<'_>) -> Result<End, String> {
    let status = loop {
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            break status;
        }
        if watcher.elapsed() > PATIENCE {
            return Err(format!("a process did not end within {PATIENCE:?}"));
        }
        if watcher.is_time() {
            child.kill().map_err(|error| error.to_string())?;
            break child.wait().map_err(|error| error.to_string())?;
        }
        watcher.pause();
    };
    // One that had ended before it was killed was not killed.
    Ok(if status.signal() == Some(9) { End::Killed } else { End::Came(status) })
}

/// The names in `folder` of files that are not finished.
fn unfinished(folder: &Path) -> Result<Vec<String>, String> {
    let names = names(folder)?.into_iter();
    Ok(names.filter(|name| name.ends_with(".unfinished")).collect())
}

/// The sorted names in `folder`; none if it is not there.
fn names(folder: &Path) -> Result<Vec<String>, String> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(Vec::new()) };
    let name = |entry: std::io::Result<fs::DirEntry>| {
        entry.map(|entry| entry.file_name().to_string_lossy().into_owned())
    };
    let mut names: Vec<_> =
        entries.map(name).collect::<Result<_, _>>().map_err(|error| error.to_string())?;
    names.sort();
    Ok(names)
}

/// Runs a command that must succeed.
fn succeeds(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)))
}
