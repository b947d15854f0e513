#!/usr/bin/env bash
# Fuzzes bodies for some seconds each: scripts/fuzz.sh [SECONDS [BODY...]], 30 and all of them by default.
#
# cargo-fuzz is installed where it is missing. Nightly, if there is one, adds AddressSanitizer (its runtime comes with
# nightly's own standard library: no rust-src is needed); stable fuzzes without a sanitizer. With no fuzzer to be had
# the bounded property tests run the same bodies, with more cases. What was found lies in tests/fuzz/artifacts.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-30}
if ! [[ $seconds =~ ^[1-9][0-9]*$ ]]; then
    echo "usage: scripts/fuzz.sh [SECONDS [BODY...]]" >&2
    exit 2
fi

properties() {
    echo "no fuzzer: $1. Running the bounded property tests with more cases instead."
    PROPTEST_CASES=100000 cargo test -p tidewire-tests --test it fuzz_bodies
    exit
}

if ! cargo fuzz --version >/dev/null 2>&1; then
    echo "installing cargo-fuzz"
    cargo install cargo-fuzz --locked || properties "cargo-fuzz can not be installed"
fi

nightly=$(rustup toolchain list 2>/dev/null | grep -m1 '^nightly' | cut -d' ' -f1 || true)
if [[ -n $nightly ]] && cargo "+$nightly" fuzz build --fuzz-dir tests/fuzz; then
    fuzz=(cargo "+$nightly" fuzz run --fuzz-dir tests/fuzz)
elif cargo fuzz build --fuzz-dir tests/fuzz --sanitizer none; then
    fuzz=(cargo fuzz run --fuzz-dir tests/fuzz --sanitizer none)
else
    properties "the targets can not be built"
fi

# With the features of the whole workspace, so that tests need not compile it again.
cargo build --quiet --workspace --bin fuzz_seeds
corpus=tests/fuzz/corpus
bodies=$("${CARGO_TARGET_DIR:-target}/debug/fuzz_seeds" "$corpus")
asked=${*:2}
for body in $asked; do
    if ! grep -Fqx -- "$body" <<<"$bodies"; then
        echo "no body $body; there are" $bodies >&2
        exit 2
    fi
done
for body in ${asked:-$bodies}; do
    echo "fuzz $body, $seconds s"
    mkdir -p "tests/fuzz/artifacts/$body"
    FUZZ_BODY=$body "${fuzz[@]}" body "$corpus/$body" -- -artifact_prefix="tests/fuzz/artifacts/$body/" \
        -max_total_time="$seconds" -max_len=8192 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=0
done
