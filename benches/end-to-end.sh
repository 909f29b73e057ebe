#!/usr/bin/env bash
# From records in Kafka to rows that can be asked and alerts, two ways: all rooms in one process (`--fused`), and every hop
# through Kafka. Prints the rate, the processor time, and what each room kept busy for.
#
#     benches/end-to-end.sh [IDENTITIES [DAYS [SEED]]]
#
# A broker of its own is started and stopped; the store is the lake. The broker's processor time is not counted, its share of
# the cores is.
set -euo pipefail
cd "$(dirname "$0")/.."

cache=${XDG_CACHE_HOME:-$HOME/.cache}/overgrant
target=${CARGO_TARGET_DIR:-$cache/target}
overgrant=$target/release/overgrant

# Once more, with a broker whose address comes first.
if [[ ${END_TO_END:-} == '' ]]; then
    infra/setup.sh --kafka
    cargo build --quiet --release -p cli --features kafka,clickhouse --target-dir "$target"
    END_TO_END=1 exec benches/kafka/with-broker.sh "$PWD/benches/end-to-end.sh" "$@"
fi
broker=$1
shift

n_identities=${1:-400}
n_days=${2:-30}
seed=${3:-7}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/kafka.toml" <<END
[kafka]
brokers = "$broker"
n_partitions = 4
snapshots = "$work/snapshots"
bodies = "$work/bodies"
snapshot_every = "30s"
commit_every = "1s"
commit_records = 50000
[stream]
batch_records = 4096
END

# Runs a command, keeps what it said, and prints wall, user and system time.
timed() {
    local said=$1
    shift
    TIMEFORMAT='%R %U %S'
    { time "$@" >"$said" 2>"$said.err"; } 2>"$said.times" || { cat "$said.err" >&2; exit 1; }
    cat "$said.times"
}

# Prints the rate and who was busy.
report() {
    local said=$1 n=$2
    awk -v n="$n" '{ printf "wall %.2f s: %.0f records/s; processor %.2f s: %.0f records/s per core, %.1f µs a record\n", $1, n / $1, $2 + $3, n / ($2 + $3), ($2 + $3) / n * 1e6 }' "$said.times"
    awk -v n="$n" '$1 != "room" && NF == 5 && $5 + 0 == $5 { printf "    %-10s %8.2f µs a record\n", $1, $5 / n * 1e6; sum += $5 } END { printf "    %-10s %8.2f µs a record\n", "all rooms", sum / n * 1e6 }' "$said"
}

"$overgrant" sample --out "$work/input" --seed "$seed" --identities "$n_identities" --days "$n_days" >"$work/sample"
n_bytes=$(find "$work/input" -type f | grep -v -e entitlements -e inventory -e truth | xargs -d '\n' zcat -f | wc -c)
timed "$work/ingest" "$overgrant" run --plain --once --config "$work/kafka.toml" --room ingest --store "$work/none" \
    --input "$work/input/aws" --input "$work/input/azure" --input "$work/input/gcp" >/dev/null
timed "$work/fused" "$overgrant" run --plain --once --fused --config "$work/kafka.toml" --store "$work/fused-store" >/dev/null
ask() { "$overgrant" query --store "$1" --format csv "$2" | tail -1; }
n_records=$(ask "$work/fused-store" "SELECT sum(n_read) FROM tally WHERE room = 'normalize'")
rooms=(--room normalize --room grants --room accounts --room score --room scopes --room peers --room detect --room triage --room sinks)
timed "$work/hops" "$overgrant" run --plain --once --config "$work/kafka.toml" "${rooms[@]}" --store "$work/hops-store" >/dev/null

printf 'machine   %s, %s cores, %s\n' "$(sed -n 's/^model name\t: //p' /proc/cpuinfo | head -1)" "$(nproc)" "$(uname -sr)"
printf 'load      %s\ncommit    %s\n' "$(cut -d' ' -f1-3 /proc/loadavg)" "$(git rev-parse --short HEAD)"
printf '%s records of %s bytes unpacked\n' "$n_records" "$((n_bytes / n_records))"
for way in ingest fused hops; do
    printf '\n%s: ' "$way"
    report "$work/$way" "$n_records"
done
for store in fused-store hops-store; do
    printf '%s: %s events, %s alerts\n' "$store" "$(ask "$work/$store" 'SELECT count(*) FROM access_event')" "$(ask "$work/$store" 'SELECT count(*) FROM alert')"
done
