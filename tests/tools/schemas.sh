#!/usr/bin/env bash
# Holds the ARM templates, the Bicep files, the lists and the sets of a generation against public rules for them.
#
# usage: schemas.sh OUTPUT-DIR WORK-DIR
#
# TAGWALL_SHARED names the folder with tools/arm_schema_check.py, tools/bicep_check.py and tools/edl_check.py. WORK-DIR
# gets a virtual environment. The template that a Bicep file stands for must be equal to our own template; the network
# SDK for Python must take every resource and give it back whole; `nft --check` must accept the sets: the nft that is
# installed, or else the one of the Debian package, which is unpacked in WORK-DIR. Prints versions, PASS and FAIL lines;
# exit 0 if all passed, 1 if not, 2 if it could not run.
set -euo pipefail

if [[ $# != 2 || -z "${TAGWALL_SHARED:-}" ]]; then
  sed -n '2,11p' "$0" >&2
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
  "$work/venv/bin/pip" install -q "jsonschema>=4.18" tree-sitter tree-sitter-bicep pycep-parser azure-mgmt-network jmespath
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

# Whether a template or Bicep file is one of classic rules: a firewall that is there, with our collections put in.
classic() {
  grep -q 'Microsoft.Network/azureFirewalls' "$1"
}

shopt -s nullglob
"$work/venv/bin/pip" list --format freeze 2> /dev/null | grep -E '^(azure-mgmt-network|jsonschema|pycep-parser|tree-sitter-bicep)='
for file in "$out"/*.arm.json; do
  check "${file##*/}: schema and values" "$python" "$tools/arm_schema_check.py" "$file"
  if classic "$file"; then
    check "${file##*/}: onto a firewall that is there" "$python" "$here/classic_firewall.py" "$out" \
      "$TAGWALL_SHARED/data/azure-exports/firewall-classic-rules.json" "$work"
    file="$work/firewall.deployed.json"
  fi
  check "${file##*/}: network SDK" "$python" "$here/sdk_round_trip.py" "$file"
done
for file in "$out"/*.bicep; do
  stem="$(basename "$file" .bicep)"
  set=()
  if classic "$file" && [[ -e "$out/$stem.arm.json" ]]; then
    mapfile -t set < <(sed 's/^/--set\n/' "$work/firewall.set")
  fi
  check "$stem.bicep: two parsers" "$python" "$tools/bicep_check.py" "$file" --arm "$work/$stem.json" "${set[@]}"
  if [[ -e "$work/$stem.json" ]]; then
    check "$stem.bicep: schema and values" "$python" "$tools/arm_schema_check.py" "$work/$stem.json"
    if [[ -e "$out/$stem.arm.json" ]]; then
      ours="$out/$stem.arm.json"
      if classic "$file"; then ours="$work/firewall.deployed.json"; fi
      check "$stem.bicep: equal to our template" "$python" "$here/same_template.py" "$ours" "$work/$stem.json"
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
# Makes `nft` a command, from the package and those that it needs where it is not installed. Nothing is installed.
find_nft() {
  PATH="$PATH:/usr/sbin:/sbin"
  if [[ -z "${NFT_PACKAGE:-}" ]] && command -v nft > /dev/null; then
    return
  fi
  if [[ ! -e "$work/nft/ready" ]]; then
    rm -rf "$work/nft"
    mkdir -p "$work/nft"
    # Lists may be there already where there is no right to bring them up to date.
    apt-get update -qq 2> /dev/null || true
    local needed
    # shellcheck disable=SC2086 # options of the caller
    needed="$(apt-get ${NFT_PACKAGE:-} --simulate --no-install-recommends install nftables | awk '/^Inst/ { print $2 }' || true)"
    # shellcheck disable=SC2086 # one word for each package
    (cd "$work/nft" && apt-get -qq download ${needed:-nftables} && for deb in *.deb; do dpkg -x "$deb" .; done) || return 0
    touch "$work/nft/ready"
  fi
  LD_LIBRARY_PATH="$(find "$work/nft" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd :)"
  export LD_LIBRARY_PATH
  PATH="$work/nft/usr/sbin:$PATH"
}

nft_files=("$out"/*.nft)
if [[ ${#nft_files[@]} -gt 0 ]]; then
  find_nft
  nft --version || { echo "FAIL nft is not installed, and the Debian package nftables is not to be had" && exit 1; }
fi
for file in "${nft_files[@]}"; do
  check "${file##*/}: nft --check" nft --check -f "$file"
done
exit "$failed"
