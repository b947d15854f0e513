//! An output with a thread of its own.
//!
//! 1. Rows wait in a ring. What else is asked of the writer (to prepare, to commit, to finish) stands among them, at its
//!    place.
//! 2. Who puts a row in is told when there is no room. What is asked finds room later: it waits before the ring, and rows
//!    wait behind it. There are as many such as an epoch on its way, one that is committed and the end make.
//! 3. The thread sleeps when there is nothing to do. It is woken for each [`SINK_WAKE_ROWS`], and with each turn of the
//!    sink that has given it something.
//! 4. A lane that is dropped stops its thread. Rows that are in the ring then are not written.

use std::collections::VecDeque;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rtrb::{Consumer, Producer, PushError, RingBuffer};
use tidewire_connect::tables::{TableError, TableWriter};
use tidewire_event::limits::SINK_WAKE_ROWS;
use tidewire_sql::run::{RowOf, Shape};
use zerocopy::IntoBytes;

/// How long a lane that is dropped waits for its writer to come back from the row that it is at.
const STOP: Duration = Duration::from_secs(1);

/// What a writer is to do.
#[derive(Debug)]
pub(super) enum Task<S: Shape> {
    Row(RowOf<S>),
    Prepare(u64),
    Commit(u64),
    Finish,
}

/// What a writer answers.
pub(super) enum Said {
    Prepared {
        epoch: u64,
        prepared: Option<Vec<u8>>,
    },
    Failed(TableError),
    /// It has finished.
    Ended(Box<dyn TableWriter>),
}

/// The sink's end.
pub(super) struct Lane<S: Shape> {
    tasks: Producer<Task<S>>,
    /// What has found no room in the ring yet.
    waiting: VecDeque<Task<S>>,
    /// How many tasks the thread has not been woken for.
    unheard: usize,
    said: Receiver<Said>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// The writer's end.
pub(super) struct Worker<S: Shape> {
    /// None when it has ended.
    writer: Option<Box<dyn TableWriter>>,
    /// Whether there were rows since the writer was last told that none follows at once.
    has_rows: bool,
    tasks: Consumer<Task<S>>,
    says: Sender<Said>,
    is_over: Arc<AtomicBool>,
}

/// What a step of a worker came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Busy,
    Idle,
    Over,
}

/// Both ends, with room for so many rows between.
pub(super) fn lane<S: Shape>(writer: Box<dyn TableWriter>, rows: usize) -> (Lane<S>, Worker<S>) {
    let (tasks, taken) = RingBuffer::new(rows);
    let (says, said) = channel();
    let is_over = Arc::new(AtomicBool::new(false));
    let worker = Worker {
        writer: Some(writer),
        has_rows: false,
        tasks: taken,
        says,
        is_over: Arc::clone(&is_over),
    };
    (Lane { tasks, waiting: VecDeque::new(), unheard: 0, said, is_over, thread: None }, worker)
}

impl<S: Shape> Lane<S> {
    /// The thread of the worker.
    pub(super) fn runs_on(&mut self, thread: JoinHandle<()>) {
        self.thread = Some(thread);
    }

    /// Puts a row in; gives it back if there is no room.
    pub(super) fn row(&mut self, row: RowOf<S>) -> Result<(), RowOf<S>> {
        let is_behind = !self.waiting.is_empty() && !self.move_waiting();
        let pushed = if is_behind { Err(row) } else { self.push(row) };
        if self.unheard >= SINK_WAKE_ROWS || pushed.is_err() {
            self.wake();
        }
        pushed
    }

    /// Tasks that the thread has not taken yet.
    pub(super) fn queued(&self) -> usize {
        self.tasks.buffer().capacity() - self.tasks.slots()
    }

    /// Whether a row would find no room.
    #[cfg(test)]
    pub(super) fn is_full(&self) -> bool {
        !self.waiting.is_empty() || self.tasks.is_full()
    }

    fn push(&mut self, row: RowOf<S>) -> Result<(), RowOf<S>> {
        match self.tasks.push(Task::Row(row)) {
            Err(PushError::Full(Task::Row(row))) => Err(row),
            _ => {
                self.unheard += 1;
                Ok(())
            }
        }
    }

    /// Asks for something at this place among the rows.
    pub(super) fn ask(&mut self, task: Task<S>) {
        self.waiting.push_back(task);
        self.turn();
    }

    /// Lets the thread see what has been given.
    pub(super) fn turn(&mut self) {
        self.move_waiting();
        if self.unheard > 0 {
            self.wake();
        }
    }

    /// Moves what waits into the ring; false if some of it must wait longer.
    fn move_waiting(&mut self) -> bool {
        while let Some(task) = self.waiting.pop_front() {
            if let Err(PushError::Full(task)) = self.tasks.push(task) {
                self.waiting.push_front(task);
                return false;
            }
            self.unheard += 1;
        }
        true
    }

    fn wake(&mut self) {
        self.unheard = 0;
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }

    /// What the writer has answered, if it has. Goes on with the panic of its thread.
    pub(super) fn hear(&mut self) -> Option<Said> {
        match self.said.try_recv() {
            Ok(said) => Some(said),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => {
                let ended = self.thread.take().map(JoinHandle::join);
                if let Some(Err(panic)) = ended {
                    resume_unwind(panic);
                }
                None
            }
        }
    }
}

impl<S: Shape> Drop for Lane<S> {
    fn drop(&mut self) {
        self.is_over.store(true, Relaxed);
        let Some(thread) = self.thread.take() else { return };
        thread.thread().unpark();
        loop {
            match self.said.recv_timeout(STOP) {
                Ok(_) => {}
                // A writer that waits for its reader without end: it writes nothing more, and the job does not wait for it.
                Err(RecvTimeoutError::Timeout) => return,
                Err(RecvTimeoutError::Disconnected) => {
                    // A panic of it has been told, or the sink is failing already.
                    let _ = thread.join();
                    return;
                }
            }
        }
    }
}

impl<S: Shape> Worker<S> {
    /// The body of its thread.
    pub(super) fn run(mut self) {
        loop {
            match self.step() {
                Step::Busy => {}
                Step::Idle => thread::park(),
                Step::Over => return,
            }
        }
    }

    /// Does the next thing, if there is one.
    pub(super) fn step(&mut self) -> Step {
        let Some(writer) = self.writer.as_mut().filter(|_| !self.is_over.load(Relaxed)) else {
            return Step::Over;
        };
        let done = match self.tasks.pop() {
            Ok(Task::Row(row)) => {
                self.has_rows = true;
                writer.row(row.as_bytes())
            }
            Ok(Task::Prepare(epoch)) => writer.prepare(epoch).map(|prepared| {
                // The sink is gone only when the job is being stopped.
                let _ = self.says.send(Said::Prepared { epoch, prepared });
            }),
            Ok(Task::Commit(epoch)) => writer.commit(epoch),
            Ok(Task::Finish) => writer.finish().map(|()| {
                let _ = self.writer.take().map(|writer| self.says.send(Said::Ended(writer)));
            }),
            Err(_) if self.has_rows => {
                self.has_rows = false;
                writer.flush()
            }
            Err(_) => return Step::Idle,
        };
        match done {
            Ok(()) => Step::Busy,
            Err(error) => {
                self.writer = None;
                let _ = self.says.send(Said::Failed(error));
                Step::Over
            }
        }
    }
}
