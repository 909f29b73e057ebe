#!/usr/bin/env bash
# Measures, and prints what `benches/RESULTS.md` keeps: the machine, the room beside its peers, and the whole run.
# benches/run.sh [FOLDER]   also reads the real logs of a folder, beside the peers
# benches/run.sh --kafka    only Kafka clients beside each other, and from Kafka to rows and alerts; fetches and starts a broker
# benches/run.sh --permissions  only the law: decisions, patterns, identities held at once, beside peers that it fetches
# benches/run.sh --store    only insert formats beside RowBinary; fetches the ClickHouse engine
set -euo pipefail
cd "$(dirname "$0")/.."

cache=${XDG_CACHE_HOME:-$HOME/.cache}/overgrant
target=${CARGO_TARGET_DIR:-$cache/target}
n_runs=3

heading() { printf '\n## %s\n\n' "$*"; }

# The version of a crate in a lock file.
version() { awk -v name="\"$2\"" '$1 == "name" { found = $3 == name } found && $1 == "version" { print $3; exit }' "$1" | tr -d '"'; }

machine() {
    printf 'machine   %s, %s cores, %s\n' "$(sed -n 's/^model name\t: //p' /proc/cpuinfo | head -1)" "$(nproc)" "$(uname -sr)"
    printf 'load      %s\n' "$(cut -d' ' -f1-3 /proc/loadavg)"
    printf 'commit    %s%s\n' "$(git rev-parse --short HEAD)" "$(git diff --quiet HEAD -- '*.rs' '*.toml' '*.vrl' || printf ', changed')"
    printf 'compiler  %s\n' "$(rustc --version)"
}

versions() {
    local crate
    for crate in vrl serde_json sonic-rs; do
        printf '%-9s %s\n' "$crate" "$(version benches/peers/Cargo.lock "$crate")"
    done
    printf '%-9s %s\n' datafusion "$(version Cargo.lock datafusion)"
}

peers() {
    CARGO_TARGET_DIR=$cache/target-peers cargo build --quiet --release --manifest-path benches/peers/Cargo.toml
    "$cache/target-peers/release/peers" "$@"
}

# Ours beside a C loop, the stream and the future of `rdkafka`, over a broker of their own.
kafka() {
    infra/setup.sh --kafka
    printf '%-9s %s\n' rdkafka "$(version benches/kafka/Cargo.lock rdkafka)" cc "$(cc --version | head -1)"
    CARGO_TARGET_DIR=$cache/target-kafka cargo build --quiet --release --manifest-path benches/kafka/Cargo.toml
    benches/kafka/with-broker.sh "$cache/target-kafka/release/kafka-bench"
}

# What the formats of an insert cost the engine, on the events of a sample.
store() {
    local installed work port front
    cargo build --quiet --release -p cli --features kafka,clickhouse --target-dir "$target"
    installed=$(infra/servers.sh clickhouse | tail -1)
    work=$(mktemp -d)
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    export FRONT_USER=overgrant FRONT_PASSWORD=only-for-benches OVERGRANT_CLICKHOUSE_PASSWORD=only-for-benches
    "$installed/bin/python" infra/servers/clickhouse_front.py --port "$port" --data "$work/data" >"$work/front" 2>&1 &
    front=$!
    trap 'kill "$front" 2>/dev/null; wait "$front" 2>/dev/null; rm -rf "$work"' RETURN
    until curl -s "http://127.0.0.1:$port/ping" >/dev/null; do sleep 0.2; done
    printf '[sinks.clickhouse]\nurl = "http://127.0.0.1:%s"\ndatabase = "overgrant"\nuser = "overgrant"\npassword_env = "OVERGRANT_CLICKHOUSE_PASSWORD"\n' "$port" >"$work/config.toml"
    "$target/release/overgrant" migrate --config "$work/config.toml" >/dev/null
    "$target/release/overgrant" sample --out "$work/input" --seed 7 >/dev/null
    "$target/release/overgrant" run --once --plain --config "$work/config.toml" --store "$work/lake" \
        --input "$work/input/aws" --input "$work/input/azure" --input "$work/input/gcp" >/dev/null
    kill "$front"
    wait "$front" || true
    "$installed/bin/python" benches/store/inserts.py "$work/data"
}

# The bytes of the logs below a folder, unpacked.
n_log_bytes() {
    local logs=(find "$1" -type f -not -path '*/entitlements/*' -not -path '*/inventory/*' -not -name truth.json)
    { "${logs[@]}" -name '*.gz' -exec gzip -dc {} +; "${logs[@]}" -not -name '*.gz' -exec cat {} +; } | wc -c
}

# A few runs over a fresh store each, in a temporary folder that is removed.
whole_run() {
    cargo build --quiet --release -p cli --target-dir "$target"
    local overgrant=$target/release/overgrant work
    work=$(mktemp -d)
    trap 'rm -rf "$work"' RETURN
    "$overgrant" sample --out "$work/input" --seed 7 >"$work/sample"
    local run n_bytes n_records
    n_bytes=$(n_log_bytes "$work/input")
    TIMEFORMAT='%R %U %S'
    for ((run = 1; run <= n_runs; run++)); do
        { time "$overgrant" run --once --input "$work/input/aws" --input "$work/input/azure" --input "$work/input/gcp" \
            --store "$work/store-$run" >"$work/said-$run" 2>&1; } 2>>"$work/times"
    done
    n_records=$("$overgrant" query --store "$work/store-1" --format csv \
        "SELECT sum(n_read) FROM tally WHERE room = 'normalize'" | tail -1)
    sort -n "$work/times" | awk -v n="$n_records" -v bytes="$n_bytes" -v runs="$n_runs" '
        { wall[NR] = $1; cpu[NR] = $2 + $3 }
        END {
            m = int((runs + 1) / 2)
            printf "%d records, %.1f MB unpacked, the median of %d runs by wall time (%.2f to %.2f s)\n", n, bytes / 1e6, runs, wall[1], wall[runs]
            printf "wall      %8.2f s   %9.0f records/s   %7.1f MB/s\n", wall[m], n / wall[m], bytes / 1e6 / wall[m]
            printf "per core  %8.2f s   %9.0f records/s   %7.1f MB/s   (user and system time of all threads)\n", cpu[m], n / cpu[m], bytes / 1e6 / cpu[m]
        }'
}

machine
if [[ ${1:-} == --kafka ]]; then
    heading 'Kafka clients, per core'
    kafka
    heading 'From records in Kafka to rows and alerts'
    benches/end-to-end.sh
    exit
fi
if [[ ${1:-} == --permissions ]]; then
    heading 'Decisions, patterns and sets beside peers'
    benches/permissions/run.sh
    exit
fi
if [[ ${1:-} == --store ]]; then
    heading 'Insert formats beside RowBinary, by processor time of the engine'
    store
    exit
fi
folder=${1:+$(realpath "$1")}
versions
heading 'normalize beside its peers, one core, generated sample'
peers
if [[ -n $folder ]]; then
    heading "normalize beside its peers, one core, real logs"
    peers "$folder"
fi
heading 'The whole run: ingest, normalize, score, detect, Parquet lake; from files to a committed store'
whole_run
