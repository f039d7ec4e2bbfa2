#!/usr/bin/env bash
# Builds the fuzz targets with coverage and runs each for so many seconds: fuzz/run.sh SECONDS [TARGET...]
#
# What is found is copied to fuzz/regressions/TARGET, where the ordinary tests run it from then on, and the exit is 1
# once all targets have had their time. What was learned stays in fuzz/corpus, which is not committed. Needs no nightly
# compiler; SANITIZER=address adds AddressSanitizer, which does (RUSTC_BOOTSTRAP=1 is set for it). FUZZ_JOBS targets
# run at once, one by default. FUZZ_SEED makes the same inputs in the same order each time, as far as the seconds go: a
# change is not refused for what a draw of lots found elsewhere.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:?how many seconds for each target}
shift
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(ls fuzz/fuzz_targets | sed 's/\.rs$//')

flags="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
flags+=" -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing"
if [ -n "${SANITIZER:-}" ]; then
    export RUSTC_BOOTSTRAP=1
    flags+=" -Zsanitizer=$SANITIZER"
fi
# With a target named, flags are not for build scripts, which could not be linked with them.
host=$(rustc -vV | sed -n 's/^host: //p')
bins=()
for target in "${targets[@]}"; do bins+=(--bin "$target"); done
RUSTFLAGS="$flags" cargo build --manifest-path fuzz/Cargo.toml --release --locked --target "$host" "${bins[@]}"
built=fuzz/target/$host/release

# What the fuzzers begin with: the files of one small environment, the policies and catalogue that are here, and what
# was found before.
rm -rf fuzz/corpus/exact
cargo run --quiet --locked -- generate fuzz/exact.toml --snapshot sample --out fuzz/corpus/exact >/dev/null
made=fuzz/corpus/exact/fuzz
begin() { # TARGET FILE...
    local target=$1 at=0
    shift
    mkdir -p "fuzz/corpus/$target"
    for file in "$@"; do
        [ ! -f "$file" ] || cp "$file" "fuzz/corpus/$target/begin-$((at++))-$(basename "$file")"
    done
}
together() { # TARGET FILE...: as one input, each file behind a line with its name
    local target=$1
    shift
    mkdir -p "fuzz/corpus/$target"
    for file in "$@"; do
        printf '=== %s\n' "${file#"$made"/}"
        cat "$file"
    done >"fuzz/corpus/$target/begin-together"
}
begin policy fuzz/exact.toml examples/policies/*.toml tests/policies/*.toml
begin catalogue data/catalog/*.toml
begin manifest "$made/manifest.json" tests/cases/*/manifest.json
begin template "$made"/*.arm.json
begin list "$made"/lists/* "$made"/edl/*
together arm "$made"/*.arm.json
together bicep "$made"/*.bicep
together terraform "$made"/*.tf
together azcli "$made"/*.sh
together csv "$made"/*.csv
together plan "$made/plan.json"
together lists "$made"/lists/* "$made"/edl/* "$made"/*.nft
begin terraform_json tests/cases/formats/*.tf.json

run() { # TARGET
    local target=$1 found=fuzz/artifacts/$1/
    mkdir -p "fuzz/corpus/$target" "fuzz/regressions/$target" "$found"
    rm -f "$found"*
    # Half a minute for one input, or a gigabyte of memory, is a finding too.
    if ! "$built/$target" "fuzz/corpus/$target" "fuzz/regressions/$target" -artifact_prefix="$found" \
        -seed="${FUZZ_SEED:-0}" -max_total_time="$seconds" -timeout=30 -rss_limit_mb=1024 -max_len=65536 -print_final_stats=1 \
        >"fuzz/artifacts/$target.log" 2>&1; then
        for file in "$found"*; do
            [ ! -f "$file" ] || cp "$file" "fuzz/regressions/$target/"
        done
        echo "$target: FOUND something, kept in fuzz/regressions/$target"
        tail -n 60 "fuzz/artifacts/$target.log"
        return 1
    fi
    echo "$target: nothing found in $(sed -n 's/^stat::number_of_executed_units: *//p' "fuzz/artifacts/$target.log") runs"
}
export -f run
export seconds built
printf '%s\n' "${targets[@]}" | xargs -P "${FUZZ_JOBS:-1}" -I {} bash -c 'run {}'
