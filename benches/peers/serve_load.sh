#!/usr/bin/env bash
# `tagwall serve` under load, beside nginx handing out the same bytes, in one run.
#
# usage: serve_load.sh TAGWALL WORK-DIR SNAPSHOT...
#
# TAGWALL is a release build, SNAPSHOT a file of service tags as it is downloaded. nginx and wrk are those that are installed, else
# from Debian packages that are unpacked in WORK-DIR. Prints: start until ready, memory before and after, and for a list, the
# same with a condition that holds (304), and look-ups: requests a second and the time that 99 of 100 stay below. Client and
# server share the machine. SECONDS_EACH (5) says how long each is asked, ROUNDS (3) how often; medians are printed.
set -euo pipefail

if [[ $# -lt 3 ]]; then
  sed -n '2,10p' "$0" >&2
  exit 2
fi
tagwall="$(realpath "$1")"
work="$(mkdir -p "$2" && cd "$2" && pwd)"
snapshots=()
for file in "${@:3}"; do snapshots+=("$(realpath "$file")"); done
each="${SECONDS_EACH:-5}" rounds="${ROUNDS:-3}"

# shellcheck source=tests/tools/debian.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../tests/tools/debian.sh"
unpack_debian "$work/root" nginx-light wrk

scratch="$(mktemp -d)"
server=0
proxy=0
end() {
  if [[ $server != 0 ]]; then kill "$server" 2> /dev/null || true; fi
  if [[ $proxy != 0 ]]; then kill "$proxy" 2> /dev/null || true; fi
  rm -rf "$scratch"
}
trap end EXIT
cd "$scratch"
export TAGWALL_STORE="$scratch/store"
"$tagwall" snapshots add "${snapshots[@]}" > added
port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
now() { date +%s%N; }
memory() { awk '/^VmRSS/ { printf "%.0f MB", $2 / 1024 }' "/proc/$server/status"; }

# The first start makes the index; what counts is every other one.
start() {
  local begin
  : > log
  begin="$(now)"
  "$tagwall" serve --listen 127.0.0.1:0 --access-log off --rate 0 --max-client-connections 1000 2> log &
  server=$!
  until grep -q '^serving ' log; do sleep 0.005; done
  echo "start until ready, $1: $(( ($(now) - begin) / 1000000 )) ms"
  at="$(sed -n 's/^listening on //p' log)"
}
start "first"
kill "$server"
wait "$server" || true
start "again, ${#snapshots[@]} snapshots"
echo "memory at the start: $(memory)"

list=/v1/feeds/public/Storage.v4.txt
etag="$(curl -sS -D - -o list.txt "http://$at$list" | tr -d '\r' | sed -n 's/^etag: //p')"
mkdir www
cp list.txt www/list.txt
other="$(port)"
# As root nginx becomes somebody else, who may not read here.
user=""
if [[ $(id -u) == 0 ]]; then user="user root;"; fi
cat > nginx.conf << CFG
daemon off;
$user
pid $scratch/nginx.pid;
error_log $scratch/error.log;
worker_processes 2;
events { worker_connections 1024; }
http {
  access_log off;
  default_type text/plain;
  keepalive_requests 1000000;
  client_body_temp_path $scratch/t1; proxy_temp_path $scratch/t2; fastcgi_temp_path $scratch/t3; uwsgi_temp_path $scratch/t4; scgi_temp_path $scratch/t5;
  server { listen 127.0.0.1:$other; root $scratch/www; sendfile on; }
}
CFG
nginx -p "$scratch" -c "$scratch/nginx.conf" 2> /dev/null &
proxy=$!
until curl -sSf -o /dev/null "http://127.0.0.1:$other/list.txt" 2> /dev/null; do sleep 0.05; done
their="$(curl -sS -D - -o /dev/null "http://127.0.0.1:$other/list.txt" | tr -d '\r' | sed -n 's/^[Ee][Tt]ag: //p')"

# one WHAT URL HEADER LUA: requests a second and the 99th of 100, of each round
one() {
  local script=()
  if [[ -n "$3" ]]; then script=(-s "$3"); fi
  wrk -t1 -c32 "-d${each}s" --latency ${script[@]+"${script[@]}"} -H "$2" "$1" > wrk.out
  if grep -q 'Non-2xx or 3xx' wrk.out; then echo "refused: $(grep 'Non-2xx' wrk.out)" >&2; exit 1; fi
  awk '/Requests\/sec/ { rate = $2 } /^ *99%/ { p = $2 } END { print rate, p }' wrk.out
}
median() { sort -g | awk '{ v[NR] = $0 } END { print v[int((NR + 1) / 2)] }'; }
cat > lookups.lua << 'LUA'
local n = 0
request = function()
  n = n + 1
  return wrk.format("GET", string.format("/v1/lookup?ip=%d.%d.%d.%d", 20 + n % 32, n % 251, n % 241, n % 239))
end
LUA
echo "the list has $(wc -l < list.txt) prefixes, $(stat -c %s list.txt) bytes"
printf '| | tagwall | 99 of 100 below | nginx | 99 of 100 below | ratio |\n|---|--:|--:|--:|--:|--:|\n'
for what in list 304; do
  : > ours
  : > theirs
  for _ in $(seq "$rounds"); do
    if [[ $what == list ]]; then own="X-None: 1" foreign="X-None: 1"; else own="If-None-Match: $etag" foreign="If-None-Match: $their"; fi
    one "http://$at$list" "$own" "" >> ours
    one "http://127.0.0.1:$other/list.txt" "$foreign" "" >> theirs
  done
  read -r a p < <(median < ours)
  read -r b q < <(median < theirs)
  echo "| $what, requests a second | $a | $p | $b | $q | $(awk "BEGIN { printf \"%.2f\", $a / $b }") |"
done
: > ours
for _ in $(seq "$rounds"); do one "http://$at" "X-None: 1" lookups.lua >> ours; done
read -r a p < <(median < ours)
echo "| look-ups a second | $a | $p | | | |"
before="$(memory)"
wrk -t1 -c32 -d"${MORE_SECONDS:-20}s" -s lookups.lua "http://$at" > wrk.out
wrk -t1 -c32 -d"${MORE_SECONDS:-20}s" "http://$at$list" >> wrk.out
echo "memory: $before, and after $(awk '/requests in/ { n += $1 } END { print n }' wrk.out) more requests $(memory)"
