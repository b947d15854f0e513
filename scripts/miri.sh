#!/usr/bin/env bash
# Runs the tests of the crate that holds the unsafe code under Miri. Needs a nightly toolchain with miri and rust-src:
# rustup +nightly component add miri rust-src
set -euo pipefail
cd "$(dirname "$0")/.."
cargo +nightly miri test -p tidewire-state --lib
