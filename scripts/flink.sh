#!/usr/bin/env bash
# Asks Apache Flink for the answers that ours are compared with. Needs a JDK 17 and pip; no Flink on the machine.
#
#   scripts/flink.sh [NAME-FILTER]           runs tests/flink/queries and writes tests/flink/expected
#   scripts/flink.sh --check [NAME-FILTER]   writes into a temporary folder, and compares with tests/flink/expected
#   scripts/flink.sh --speed [JOB...]        CPU-seconds for a million events, a line of JSON for each job
#
# Flink's jars come from the wheel apache-flink-libraries, once, into ~/.cache/tidewire/flink (or $XDG_CACHE_HOME).
set -euo pipefail
cd "$(dirname "$0")/.."

version=2.3.0
home=${XDG_CACHE_HOME:-$HOME/.cache}/tidewire/flink/$version
lib=$home/pyflink/lib

if [[ ! -e $home/whole ]]; then
    echo "fetching apache-flink-libraries $version into $home" >&2
    mkdir -p "$home"
    python3 -m pip download --quiet --no-deps --dest "$home" "apache-flink-libraries==$version"
    python3 -m zipfile -e "$home"/apache_flink_libraries-"$version"-*.whl "$home"
    rm "$home"/*.whl
    touch "$home/whole"
fi

if ! command -v javac >/dev/null; then
    echo "no javac: install a JDK 17, as openjdk-17-jdk-headless" >&2
    exit 2
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# What fails is told by the exception; the log would only repeat it.
cat >"$work/log4j2.properties" <<'LOG'
rootLogger.level = OFF
LOG
opens=(--add-opens=java.base/java.{util,lang,time,nio,math,net}=ALL-UNNAMED)

compile() { # CLASS
    javac -nowarn -d "$work" -cp "$lib/*" "tests/flink/$1.java"
}

run() { # CLASS ARGUMENT...
    java -Xmx4g "${opens[@]}" -Dlog4j2.configurationFile="$work/log4j2.properties" -cp "$work:$lib/*" "$@"
}

case ${1:-} in
--speed)
    compile Speed
    mkdir -p "$work/META-INF/services"
    echo 'Speed$Factory' >"$work/META-INF/services/org.apache.flink.table.factories.Factory"
    # Each job in a process of its own: what the JIT learns from one would slow the next.
    shift
    if (($# == 0)); then set -- source filter-project tumbling-1000 tumbling-1000000 hop-1000 rolling-1000; fi
    for job in "$@"; do run Speed "$job"; done
    ;;
--check)
    compile Judge
    run Judge tests/flink "$work/expected" "${2:-}"
    # Without a filter an answer that no query gives any more is a difference too.
    if [[ -z ${2:-} ]]; then
        diff -ru tests/flink/expected "$work/expected"
    else
        for answer in "$work"/expected/*.csv; do diff -u "tests/flink/expected/$(basename "$answer")" "$answer"; done
    fi
    echo "the answers are those of tests/flink/expected"
    ;;
-*)
    echo "usage: scripts/flink.sh [--check|--speed] [NAME-FILTER]" >&2
    exit 2
    ;;
*)
    compile Judge
    run Judge tests/flink tests/flink/expected "${1:-}"
    echo "compare ours with: cargo test -p tidewire-tests --test it flink::"
    ;;
esac
