#!/usr/bin/env bash
# Builds the pure library where pointers have 32 bits and where there is no operating system, and runs it on the first.
#
# usage: targets.sh WORK-DIR
#
# Takes the targets that the toolchain has or that rustup gets; one that cannot be had is said to be skipped. What the
# library makes of the sample and of example policies has to be the same bytes with 32 bits as with those of this machine.
# Prints PASS, FAIL and SKIP lines; exit 0 if none failed.
set -euo pipefail

if [[ $# != 1 ]]; then
  sed -n '2,9p' "$0" >&2
  exit 2
fi
work="$(mkdir -p "$1" && cd "$1" && pwd)"
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
cd "$root"
export CARGO_TARGET_DIR="$work/target"

has() { # TARGET
  [[ -d "$(rustc --print sysroot)/lib/rustlib/$1/lib" ]] && return
  if timeout 120 rustup target add "$1" > "$work/rustup.log" 2>&1; then return; fi
  echo "SKIP $1: the toolchain has no such target and rustup does not get it"
  return 1
}

if has wasm32-unknown-unknown; then
  cargo check --lib --no-default-features --features sample --locked --target wasm32-unknown-unknown
  echo "PASS wasm32-unknown-unknown builds the pure library"
fi

narrow=i686-unknown-linux-musl
has "$narrow" || exit 0
mkdir -p "$work/narrow"
cp tests/tools/narrow/main.rs Cargo.lock "$work/narrow/"
cat > "$work/narrow/Cargo.toml" << EOF
[package]
name = "narrow"
version = "0.0.0"
edition = "2024"

[[bin]]
name = "narrow"
path = "main.rs"

[dependencies]
tagwall = { path = "$root", default-features = false, features = ["sample"] }

[workspace]
EOF
# The linker and the C library of the toolchain itself, so that no C compiler for that machine is needed.
export CARGO_TARGET_I686_UNKNOWN_LINUX_MUSL_RUSTFLAGS="-C linker=rust-lld -C linker-flavor=ld.lld -C link-self-contained=yes"
(cd "$work/narrow" && cargo build --target "$narrow" && cargo build)
policies=(examples/policies/{aml-private,aml-public-ip,china,databricks,forced-tunnelling,hub-and-spoke,usgov}.toml)
"$CARGO_TARGET_DIR/debug/narrow" "${policies[@]}" > "$work/wide.out" 2> "$work/wide.err"
if ! "$CARGO_TARGET_DIR/$narrow/debug/narrow" "${policies[@]}" > "$work/narrow.out" 2> "$work/narrow.err"; then
  cat "$work/narrow.err"
  echo "FAIL $narrow: the pure library does not run"
  exit 1
fi
[[ "$(cat "$work/narrow.err")" == "32 bits" ]] || { echo "FAIL $narrow: its pointers have not 32 bits"; exit 1; }
if ! cmp "$work/wide.out" "$work/narrow.out"; then
  echo "FAIL $narrow: it makes other bytes"
  exit 1
fi
files="$(grep -a -c '^== ' "$work/wide.out")"
((files > 4 * ${#policies[@]})) || { echo "FAIL $narrow: $files files are hardly what the policies ask for"; exit 1; }
echo "PASS $narrow makes the same $(wc -c < "$work/wide.out") bytes: samples, look-ups, $files files and their proof"
