#!/usr/bin/env bash
# Makes every format of a few policies and runs every real tool over them.
#
# usage: run.sh TAGWALL WORK-DIR [az]
#
# TAGWALL is the built command, WORK-DIR gets the output and the virtual environments, TAGWALL_SHARED names the folder
# of shared checkers. The scripts for az are run only with `az`, since its package is large (about 730 MB unpacked).
# Exit 0 if everything passed.
set -euo pipefail

if [[ $# -lt 2 || -z "${TAGWALL_SHARED:-}" ]]; then
  sed -n '2,8p' "$0" >&2
  exit 2
fi
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
tagwall="$(realpath "$1")"
mkdir -p "$2"
work="$(cd "$2" && pwd)"
failed=0

for policy in "$here"/policies/*.toml; do
  name="$(basename "$policy" .toml)"
  echo "== $name"
  "$tagwall" generate "$policy" --snapshot sample --out "$work/out" > "$work/$name.log"
  EDL_FOR="$(sed -n 's/^# edl for: //p' "$policy")" "$here/schemas.sh" "$work/out/$name" "$work/schemas" || failed=1
  python3 "$here/terraform_check.py" "$work/out/$name" "$work/terraform" || failed=1
done
if [[ "${3:-}" == az ]]; then
  for name in nasty classic; do
    python3 "$here/az_loopback.py" "$work/out/$name" "$work/az" || failed=1
  done
fi
exit "$failed"
