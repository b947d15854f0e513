//! What `fork()` costs a process with as much memory, and each page that is written after it.
#![allow(unsafe_code)]

use std::hint::black_box;
use std::time::Instant;

const PAGE_BYTES: usize = 4096;

/// Forks with `bytes` resident, a few times, and prints the pauses.
pub(crate) fn show(bytes: usize) {
    let mut memory = vec![0_u8; bytes];
    memory.iter_mut().step_by(PAGE_BYTES).for_each(|byte| *byte = 1);
    let (mut pauses, mut writes) = (Vec::new(), Vec::new());
    for round in 0..5_u8 {
        let begin = Instant::now();
        // SAFETY: no other thread of this process is alive, and the child does nothing but end, without running anything
        // of this process.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // SAFETY: as above: sleeping and ending are system calls.
            unsafe {
                libc::usleep(200_000);
                libc::_exit(0);
            }
        }
        pauses.push(begin.elapsed().as_nanos());
        let begin = Instant::now();
        let pages = memory.len() / PAGE_BYTES / 16;
        memory.iter_mut().step_by(PAGE_BYTES * 16).for_each(|byte| *byte = round);
        writes.push(begin.elapsed().as_nanos() / pages.max(1) as u128);
        black_box(&memory);
        let mut status = 0;
        // SAFETY: the child is this process's own, and `status` is a place for its status.
        unsafe { libc::waitpid(child, &raw mut status, 0) };
    }
    pauses.sort_unstable();
    writes.sort_unstable();
    println!(
        "\nfork() with {} MiB: pause {} us (median of 5), then {} ns for each page written",
        bytes >> 20,
        pauses[2] / 1_000,
        writes[2],
    );
}
