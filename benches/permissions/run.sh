#!/usr/bin/env bash
# Decisions beside @cloud-copilot/iam-simulate, expansions of patterns beside policy_sentry, and 100,000 identities held at
# once: benches/permissions/run.sh [SEED]. Needs node, npm and python3; fetches the peers (AGPL-3.0 and MIT, each run as a
# process of its own) and, for its policies, moto (Apache-2.0).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."

seed=${1:-1}
n_rounds=5
n_requests=4000
cache=${XDG_CACHE_HOME:-$HOME/.cache}/overgrant
target=${CARGO_TARGET_DIR:-$cache/target}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cargo build --quiet --release -p benches --bin permissions --target-dir "$target"
ours=$target/release/permissions
python3 -m venv "$work/python"
"$work/python/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
"$work/python/bin/pip" install --quiet --disable-pip-version-check --no-deps moto==5.2.5
cp "$here"/package.json "$here"/*.mjs "$work"
(cd "$work" && npm install --silent --no-audit --no-fund >/dev/null)
python() { "$work/python/bin/python" "$here/$@"; }
theirs() { (cd "$work" && node decide.mjs "$@"); }

printf '%-14s %s\n' node "$(node --version)" iam-simulate "$(node -p "require('$work/node_modules/@cloud-copilot/iam-simulate/package.json').version")" \
    policy_sentry "$("$work/python/bin/pip" show policy_sentry 2>/dev/null | sed -n 's/^Version: //p')" python "$("$work/python/bin/python" --version)"

python draw_requests.py "$n_requests" "$seed" >"$work/requests"
printf '\ndecide: requests that are all different, on managed policies with a boundary and three levels of SCPs\n'
for ((round = 0; round < n_rounds; round++)); do
    echo "$("$ours" decide "$work/requests" "$work/decided") $(theirs "$work/requests" "$work/decided-theirs")"
done >"$work/turns"
python ratios.py "$work/decided" "$work/decided-theirs" <"$work/turns"

python managed.py >"$work/patterns"
printf '\nexpand: the patterns of actions in the managed policies\n'
for ((round = 0; round < n_rounds; round++)); do
    read -r anew remembered < <("$ours" expand "$work/patterns" "$work/expanded")
    echo "$anew $(python expand.py "$work/patterns" "$work/expanded-theirs") $remembered"
done >"$work/turns"
python ratios.py "$work/expanded" "$work/expanded-theirs" <"$work/turns"

printf '\nhold: what identities that share policies may do\n'
"$ours" hold "$work/requests" 100000
