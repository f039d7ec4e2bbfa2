#!/usr/bin/env bash
# Checks that the oldest compiler that Cargo.toml promises builds the library and the command.
#
# usage: msrv.sh TARGET-DIR
#
# Where the compiler at hand is that one, all other steps prove it. Else the promised one has to be installed
# (rustup toolchain install VERSION). Exit 1 where it does not build, 2 where that compiler is missing.
set -euo pipefail

if [[ $# != 1 ]]; then
  sed -n '2,7p' "$0" >&2
  exit 2
fi
target="$(mkdir -p "$1" && cd "$1" && pwd)"
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
promised="$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)"
[[ -n "$promised" ]] || { echo "msrv.sh: Cargo.toml has no rust-version" >&2; exit 1; }
have="$(rustc --version | sed -n 's/^rustc \([0-9]*\.[0-9]*\)\..*/\1/p')"
if [[ "$have" == "$promised" ]]; then
  echo "PASS the compiler of this run is $promised, the oldest that is promised"
  exit 0
fi
if ! rustc "+$promised" --version > /dev/null 2>&1; then
  echo "msrv.sh: Rust $promised is promised and not installed: rustup toolchain install $promised" >&2
  exit 2
fi
CARGO_TARGET_DIR="$target" cargo "+$promised" check --locked --all-features
echo "PASS Rust $promised builds the library and the command"
