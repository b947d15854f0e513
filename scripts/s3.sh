#!/usr/bin/env bash
# Tests the store on S3 against a server that is not ours: scripts/s3.sh [ENDPOINT s3://BUCKET/PREFIX].
#
# Without arguments the Versity gateway is built (Go; about 3 minutes on one core, once), and serves a new folder on a free port. With
# them the server is anyone's, as MinIO or Amazon's own (endpoint "" then), with the credentials of the environment or
# of AWS_PROFILE. The prefix must be empty, and is empty again afterwards.
set -euo pipefail
cd "$(dirname "$0")/.."

gateway=github.com/versity/versitygw/cmd/versitygw@v1.8.0

conformance() {
    cargo test -p tidewire-s3 -p tidewire-tests --features tidewire-tests/s3 --test it -- \
        --ignored --exact s3::conformance::it_is_a_store_on_a_server_of_ones_own
}

if (($# == 2)); then
    if [[ -n $1 ]]; then export TIDEWIRE_S3_ENDPOINT=$1; fi
    export TIDEWIRE_S3_LOCATION=$2
    conformance
    exit
elif (($# != 0)); then
    echo "usage: scripts/s3.sh [ENDPOINT s3://BUCKET/PREFIX]" >&2
    exit 2
fi

tools=${CARGO_TARGET_DIR:-target}/tools
mkdir -p "$tools"
tools=$(realpath "$tools")
if [[ ! -x $tools/versitygw ]]; then
    echo "building $gateway"
    GOBIN=$tools go install "$gateway"
fi

folder=$(mktemp -d)
server=
stop() {
    if [[ -n $server ]]; then kill "$server" 2>/dev/null && wait "$server" 2>/dev/null || true; fi
    rm -rf "$folder"
}
trap stop EXIT

mkdir -p "$folder/data/tidewire" "$folder/metadata"
export AWS_ACCESS_KEY_ID=tidewire AWS_SECRET_ACCESS_KEY=tidewire-secret AWS_REGION=us-east-1
# A port that was free a moment ago; the next one if somebody was faster.
for port in $(shuf -i 20000-29999 -n 20); do
    ROOT_ACCESS_KEY=$AWS_ACCESS_KEY_ID ROOT_SECRET_KEY=$AWS_SECRET_ACCESS_KEY \
        "$tools/versitygw" --quiet --port "127.0.0.1:$port" posix --sidecar "$folder/metadata" "$folder/data" \
        >"$folder/log" 2>&1 &
    server=$!
    for _ in {1..50}; do
        if ! kill -0 "$server" 2>/dev/null; then break; fi
        if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            export TIDEWIRE_S3_ENDPOINT=http://127.0.0.1:$port TIDEWIRE_S3_LOCATION=s3://tidewire/conformance
            conformance
            exit
        fi
        sleep 0.1
    done
    kill "$server" 2>/dev/null || true
done
cat "$folder/log" >&2
echo "the server does not start" >&2
exit 1
