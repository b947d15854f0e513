#!/usr/bin/env bash
# Kills replays with snapshots: scripts/kill.sh [SEED]. 200 kills with the store in a folder, 60 with it on S3, where
# some requests meet faults. Each story must end with the output of a run that nobody disturbs. Then a run on a line to
# S3 that stalls for 30 s shows its latencies, beside those of one on a good line.
set -euo pipefail
cd "$(dirname "$0")/.."

seed=${1:-1}
kill=(cargo run --quiet --release --workspace --bin kill --)
"${kill[@]}" --kills 200 --seed "$seed" --store dir
"${kill[@]}" --kills 60 --seed "$seed" --store s3
cargo test --release --workspace --test it -- --ignored --nocapture kill::a_stall
