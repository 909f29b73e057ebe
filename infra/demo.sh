#!/usr/bin/env bash
# Builds overgrant, invents a company in three clouds, runs the pipeline over its logs, and asks what everybody would ask.
# Writes below $OVERGRANT_DEMO only, and wipes that first.
set -euo pipefail
cd "$(dirname "$0")/.."

cache=${XDG_CACHE_HOME:-$HOME/.cache}/overgrant
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}
demo=${OVERGRANT_DEMO:-$cache/demo}
store=$demo/store

bold='' dim='' reset=''
if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
    bold=$'\e[1m' dim=$'\e[2m' reset=$'\e[0m'
fi

heading() { printf '\n%s%s%s\n' "$bold" "$*" "$reset"; }
more() { printf '%smore: %s%s\n' "$dim" "$*" "$reset"; }

# Shows a command as one would type it, then runs it.
show() {
    printf '%s$' "$dim"
    local word
    for word in "$@"; do
        case $word in
            *[[:space:]\*]*) printf ' "%s"' "$word" ;;
            *) printf ' %s' "$word" ;;
        esac
    done
    printf '%s\n' "$reset"
    "$@"
}

heading 'Build (the first one compiles everything, later ones only what changed)'
start=$SECONDS
cargo build -p cli
built=$((SECONDS - start))
PATH=$CARGO_TARGET_DIR/debug:$PATH
printf 'built in %d s\n' "$built"
start=$SECONDS

# Only a folder that an earlier demo made, or none, is wiped.
if [[ -e $demo && ! -e $demo/.overgrant-demo ]]; then
    printf '`%s` is not a folder of the demo; set OVERGRANT_DEMO to another\n' "$demo" >&2
    exit 2
fi
rm -rf "$demo"
mkdir -p "$demo"
touch "$demo/.overgrant-demo"

heading 'Sample: 200 identities in AWS, Azure and GCP at work for 30 days, six of them robbed'
show overgrant sample --out "$demo/input" --days 30 --identities 200 --seed 7 --attacks 6

heading 'Run: raw logs and entitlements in; events, usage, scores, findings and alerts out'
show overgrant run --once --input "$demo/input/aws" --input "$demo/input/azure" --input "$demo/input/gcp" --store "$store"

heading 'Events per cloud'
show overgrant query --store "$store" \
    "SELECT provider, count(*) AS events, count(DISTINCT identity_id) AS identities, count(DISTINCT action) AS actions, count(*) FILTER (WHERE outcome = 'denied') AS denied FROM access_event GROUP BY provider ORDER BY provider"
more "overgrant status --store $store"

heading 'The ten identities with the highest Permission Creep Index, and why'
show overgrant pci --store "$store" --limit 10 --explain
more "overgrant pci --store $store --identity NAME --explain    overgrant findings --store $store"

heading 'Alerts, with their reasons'
show overgrant alerts --store "$store" --limit 10
more "overgrant alerts --store $store --limit 100    overgrant raw --store $store EVENT_ID"

heading 'A forensic question: what did the identity of the strongest alert do, from where, and was it allowed to?'
show overgrant query --store "$store" \
    "WITH a AS (SELECT identity_id, first_at, time FROM alert WHERE suppressed IS NULL ORDER BY nats DESC, alert_id LIMIT 1) SELECT u.time, u.action, u.outcome, u.granted, u.source_ip, u.resource_id FROM access_event_use u JOIN a ON u.identity_id = a.identity_id AND u.time BETWEEN a.first_at AND a.time ORDER BY u.time, u.event_id LIMIT 15"
more "overgrant query --store $store \"SHOW TABLES\""

heading "Done: built in $built s, everything else in $((SECONDS - start)) s"
printf 'What is true of the sample: %s\n' "$demo/input/truth.json"
printf 'To go on: export PATH="%s:$PATH" OVERGRANT_STORE="%s"\n' "$CARGO_TARGET_DIR/debug" "$store"
