#!/usr/bin/env bash
# Kills jobs with snapshots: scripts/kill.sh [SEED]. Of replays 200 with the store in a folder, and 60 with it on S3,
# where some requests meet faults; of a job in SQL 100 and 20. Each story must end with the output of a run that nobody
# disturbs. Then a run on a line to S3 that stalls for 30 s shows its latencies, beside those of one on a good line.
set -euo pipefail
cd "$(dirname "$0")/.."

seed=${1:-1}
kill=(cargo run --quiet --release --workspace --bin kill --)
"${kill[@]}" --kills 200 --seed "$seed" --store dir
"${kill[@]}" --kills 60 --seed "$seed" --store s3
"${kill[@]}" --kills 100 --seed "$seed" --store dir --job sql --messages 40000
"${kill[@]}" --kills 20 --seed "$seed" --store s3 --job sql --messages 40000
cargo test --release --workspace --test it -- --ignored --nocapture kill::a_stall
