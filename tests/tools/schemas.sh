#!/usr/bin/env bash
# Holds the ARM templates, the Bicep files, the lists and the sets of a generation against public rules for them.
#
# usage: schemas.sh OUTPUT-DIR WORK-DIR
#
# TAGWALL_SHARED names the folder with tools/arm_schema_check.py, tools/bicep_check.py and tools/edl_check.py. WORK-DIR
# gets a virtual environment. The template that a Bicep file stands for must be equal to our own template; the network
# SDK for Python must take every resource and give it back whole; `nft --check` must accept the sets, where nft is
# installed. Prints PASS and FAIL lines; exit 0 if all passed, 1 if not, 2 if it could not run.
set -euo pipefail

if [[ $# != 2 || -z "${TAGWALL_SHARED:-}" ]]; then
  sed -n '2,10p' "$0" >&2
  exit 2
fi
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
out="$(cd "$1" && pwd)"
mkdir -p "$2"
work="$(cd "$2" && pwd)"
tools="$(cd "$TAGWALL_SHARED/tools" && pwd)"
python="$work/venv/bin/python"
failed=0

if [[ ! -e "$work/ready" ]]; then
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" install -q "jsonschema>=4.18" tree-sitter tree-sitter-bicep pycep-parser azure-mgmt-network
  touch "$work/ready"
fi

# Runs a check; its output is shown where it fails.
check() {
  local what="$1" log
  shift
  if log="$("$@" 2>&1)"; then
    echo "PASS $what"
  else
    echo "FAIL $what"
    echo "$log"
    failed=1
  fi
}

shopt -s nullglob
for file in "$out"/*.arm.json; do
  check "${file##*/}: schema and values" "$python" "$tools/arm_schema_check.py" "$file"
  check "${file##*/}: network SDK" "$python" "$here/sdk_round_trip.py" "$file"
done
for file in "$out"/*.bicep; do
  stem="$(basename "$file" .bicep)"
  check "$stem.bicep: two parsers" "$python" "$tools/bicep_check.py" "$file" --arm "$work/$stem.json"
  if [[ -e "$work/$stem.json" ]]; then
    check "$stem.bicep: schema and values" "$python" "$tools/arm_schema_check.py" "$work/$stem.json"
    if [[ -e "$out/$stem.arm.json" ]]; then
      check "$stem.bicep: equal to our template" "$python" "$here/same_template.py" "$out/$stem.arm.json" "$work/$stem.json"
    fi
  fi
done
for file in "$out"/lists/*.txt; do
  check "lists/${file##*/}" "$python" "$tools/edl_check.py" --for plain --cidr-only --disjoint --minimal --sorted --canonical "$file"
done
for file in "$out"/edl/*.txt; do
  for consumer in ${EDL_FOR:-plain panos fortigate}; do
    check "edl/${file##*/} for $consumer" "$python" "$tools/edl_check.py" --for "$consumer" --cidr-only --disjoint "$file"
  done
done
nft="$(PATH="$PATH:/usr/sbin:/sbin" command -v nft || true)"
for file in "$out"/*.nft; do
  if [[ -n "$nft" ]]; then
    check "${file##*/}: nft --check" "$nft" --check -f "$file"
  else
    echo "SKIP ${file##*/}: nft is not installed"
  fi
done
exit "$failed"
