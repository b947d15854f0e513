#!/usr/bin/env bash
# Tests the connector against Apache Kafka: scripts/kafka.sh [FILTER]. Needs a JDK 17 and Maven; no Kafka on the machine.
#
# Kafka's jars come from Maven Central, once, into ~/.cache/tidewire/kafka (or $XDG_CACHE_HOME). The tests start brokers of
# one node on free ports, with their data in temporary folders, and stop them. KILLS says how often the story of the fraud
# job kills it (30 if it says nothing).
set -euo pipefail
cd "$(dirname "$0")/.."

version=4.1.0
home=${XDG_CACHE_HOME:-$HOME/.cache}/tidewire/kafka/$version

for tool in java mvn; do
    if ! command -v "$tool" >/dev/null; then
        echo "no $tool: install a JDK 17 and Maven, as openjdk-17-jdk-headless and maven" >&2
        exit 2
    fi
done

if [[ ! -e $home/whole ]]; then
    echo "fetching kafka_2.13 $version into $home" >&2
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    cat >"$work/pom.xml" <<POM
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>tidewire</groupId><artifactId>broker</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$version</version></dependency>
  </dependencies>
</project>
POM
    mkdir -p "$home"
    if ! mvn -q -B -f "$work/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$home"; then
        echo "Kafka can not be fetched from Maven Central" >&2
        exit 2
    fi
    touch "$home/whole"
fi

export TIDEWIRE_KAFKA_JARS=$home KILLS=${KILLS:-30}
cargo test --workspace --test it -- --ignored --nocapture --test-threads 1 "kafka::${1:-}"
