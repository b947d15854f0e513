//! The client's runtime: two threads of its own, and a way to wait for them from any other thread.

use std::io;
use std::thread;

use tokio::runtime::{Builder, Handle, Runtime};

const THREADS: usize = 2;

pub(crate) struct Worker {
    handle: Handle,
    runtime: Option<Runtime>,
}

impl Worker {
    pub(crate) fn start() -> io::Result<Worker> {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(THREADS).thread_name("tidewire-s3").enable_all();
        let runtime = builder.build()?;
        Ok(Worker { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Waits for `future`. From a thread of some other runtime, which must not wait, a helping thread does it.
    pub(crate) fn wait<F>(&self, future: F) -> F::Output
    where
        F: Future + Send,
        F::Output: Send,
    {
        if Handle::try_current().is_err() {
            return self.handle.block_on(future);
        }
        let waiting = || thread::scope(|scope| scope.spawn(|| self.handle.block_on(future)).join());
        waiting().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Waiting is not allowed on a runtime's thread, and there is nothing to wait for.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_can_be_waited_for_from_anywhere() {
        let worker = Worker::start().unwrap();
        assert_eq!(worker.wait(async { 1 }), 1);
        let other = Builder::new_current_thread().build().unwrap();
        other.block_on(async {
            let inner = Worker::start().unwrap();
            assert_eq!(inner.wait(async { 2 }), 2);
        });
    }
}
