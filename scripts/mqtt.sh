#!/usr/bin/env bash
# Tests the connector against Mosquitto: scripts/mqtt.sh [FILTER].
#
# Mosquitto is what is on the PATH; or, with apt, Debian's packages, taken apart into ~/.cache/tidewire/mosquitto (or
# $XDG_CACHE_HOME), once, and not installed. The tests start brokers on free ports, with their data in temporary folders,
# and stop them. KILLS says how often the story of the fraud job kills it (30 if it says nothing).
set -euo pipefail
cd "$(dirname "$0")/.."

home=${XDG_CACHE_HOME:-$HOME/.cache}/tidewire/mosquitto
program=$(PATH=$PATH:/usr/local/sbin:/usr/sbin command -v mosquitto || true)

if [[ -z $program ]]; then
    if [[ ! -e $home/whole ]]; then
        if ! command -v apt-get >/dev/null; then
            echo "no mosquitto: install it" >&2
            exit 2
        fi
        echo "fetching Debian's mosquitto into $home" >&2
        mkdir -p "$home"
        packages=(mosquitto libcjson1 libdlt2 libwrap0)
        if ! (
            cd "$home"
            apt-get download -qq "${packages[@]}" || { apt-get update -qq && apt-get download -qq "${packages[@]}"; }
            for package in *.deb; do dpkg -x "$package" .; done
        ); then
            echo "mosquitto can not be fetched: install it" >&2
            exit 2
        fi
        touch "$home/whole"
    fi
    # Its libraries are beside it, and are nobody else's.
    program=$home/run
    printf '#!/bin/sh\nLD_LIBRARY_PATH=%q exec %q "$@"\n' \
        "$(dirname "$(find "$home" -name 'libwrap.so.0' -print -quit)")" "$home/usr/sbin/mosquitto" >"$program"
    chmod +x "$program"
fi

export TIDEWIRE_MOSQUITTO=$program KILLS=${KILLS:-30}
cargo test --workspace --test it -- --ignored --nocapture --test-threads 1 "mqtt::${1:-}"
