#!/usr/bin/env bash
# Verdicts of `overgrant simulate` beside @cloud-copilot/iam-simulate (AGPL-3.0, fetched by whoever runs this, run as a process of
# its own) on cases drawn at random: benches/permissions/verdicts.sh [N] [SEED]. Needs node, npm and python3.
set -euo pipefail
cd "$(dirname "$0")/../.."

n=${1:-10000}
seed=${2:-1}
target=${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/overgrant/target}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cargo build --quiet --release -p cli --target-dir "$target"
cp benches/permissions/package.json benches/permissions/simulate.mjs "$work"
(cd "$work" && npm install --silent --no-audit --no-fund >/dev/null)
python3 benches/permissions/draw_cases.py "$n" "$seed" >"$work/cases"
"$target/release/overgrant" simulate "$work/cases" >"$work/ours"
(cd "$work" && node simulate.mjs <cases >theirs)
python3 benches/permissions/verdicts.py "$work/cases" "$work/ours" "$work/theirs"
