#!/bin/sh
# A fleet in shards by GNU parallel, on one machine or on several (--sshlogin), and the merge of them.
#
#   examples/fleet/gnu-parallel.sh FLEET SHARDS OUT SNAPSHOT
#
# Run again it starts only the shards that failed with what can pass by itself, or that never ran: exit code 1. Shards with
# other codes (2 input, 3 limits, 4 proof) have their result, which says what is wrong.
set -eu

fleet=$1 shards=$2 out=$3 snapshot=$4
tagwall=${TAGWALL:-tagwall}
mkdir -p "$out"
log=$out/.parallel.log

resume=
[ ! -s "$log" ] || resume=--resume-failed
code=0
# shellcheck disable=SC2086 # nothing, or one word
seq "$shards" | parallel --joblog "$log" $resume --retries 3 \
    "code=0; $tagwall batch '$fleet' --snapshot '$snapshot' --out '$out' --shard {}/$shards -q || code=\$?; [ \$code -ne 1 ]" || code=$?
[ "$code" -eq 0 ] || exit 1
exec "$tagwall" batch merge "$out" --out "$out"
