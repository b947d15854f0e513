#!/usr/bin/env bash
# Simulates jobs under faults on all cores: scripts/sim.sh [SEEDS [FROM]], 10000 from 0 by default.
#
# The seeds are shared out among as many processes as there are cores. A seed that fails is printed with the last events
# and the command that repeats it.
set -euo pipefail
cd "$(dirname "$0")/.."

seeds=${1:-10000}
from=${2:-0}
if ! [[ $seeds =~ ^[1-9][0-9]*$ && $from =~ ^[0-9]+$ ]]; then
    echo "usage: scripts/sim.sh [SEEDS [FROM]]" >&2
    exit 2
fi

cargo build --quiet --release -p tidewire-tests --bin sim
sim=${CARGO_TARGET_DIR:-target}/release/sim
cores=$(nproc)
share=$(((seeds + cores - 1) / cores))

started=$SECONDS
running=()
for ((first = from; first < from + seeds; first += share)); do
    rest=$((from + seeds - first))
    "$sim" --from "$first" --seeds $((rest < share ? rest : share)) &
    running+=($!)
done
failed=0
for process in "${running[@]}"; do
    wait "$process" || failed=$((failed + 1))
done
if ((failed > 0)); then
    echo "$failed of ${#running[@]} processes found a seed that fails, after $((SECONDS - started)) s" >&2
    exit 1
fi
echo "$seeds seeds from $from: all promises kept, in $((SECONDS - started)) s on $cores core(s)"
