#!/usr/bin/env bash
# Lets real consumers fetch from `tagwall serve`.
#
# usage: feeds.sh TAGWALL WORK-DIR
#
# curl, nft, ipset, HAProxy, nginx, Squid, FireHOL and Prometheus are those that are installed, else from Debian packages that are
# unpacked in WORK-DIR. Each check that can be had is done; nft and ipset load into a network of their own where the system lets them
# have one. Prints PASS,
# FAIL and SKIP lines; exit 0 if nothing failed, 1 if something did, 2 if it could not run.
set -euo pipefail

if [[ $# != 2 ]]; then
  sed -n '2,10p' "$0" >&2
  exit 2
fi
tagwall="$(realpath "$1")"
work="$(mkdir -p "$2" && cd "$2" && pwd)"
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
failed=0

pass() { echo "PASS $1"; }
fail() { echo "FAIL $1"; failed=1; }
skip() { echo "SKIP $1"; }
# check WHAT COMMAND...
check() {
  local what="$1" log
  shift
  if log="$("$@" 2>&1)"; then pass "$what"; else fail "$what"; printf '%s\n' "$log" | tail -n 5; fi
}

# shellcheck source=tests/tools/debian.sh
. "$here/debian.sh"
unpack_debian "$work/root" nftables ipset haproxy prometheus nginx-light squid firehol-tools iprange

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

# A week of data without real addresses: documentation and benchmark ranges, and the machine's own.
python3 - << 'PY'
import json
def tag(name, prefixes):
    return {"name": name, "id": name, "properties": {"region": "", "regionId": 0, "platform": "Azure", "systemService": "",
            "changeNumber": 1, "addressPrefixes": prefixes, "networkFeatures": ["API", "NSG"]}}
many = [f"198.18.{i // 64}.{i % 64 * 4}/31" for i in range(2000)]
values = [tag("Storage", ["192.0.2.0/25", "198.51.100.7/32", "2001:db8:1::/48"] + many), tag("Local", ["127.0.0.1/32"]), tag("Only4", ["203.0.113.0/24"])]
json.dump({"changeNumber": 1, "cloud": "Public", "values": values}, open("ServiceTags_Public_20260302.json", "w"))
PY
# Some time ago: some clients ask again only after a minute.
env TAGWALL_STORE=store TAGWALL_NOW=2026-03-03T00:00:00Z "$tagwall" snapshots add ServiceTags_Public_20260302.json > /dev/null
env TAGWALL_STORE=store "$tagwall" serve --listen 127.0.0.1:0 --access-log off 2> log &
server=$!
for _ in $(seq 300); do
  if grep -q '^serving ' log; then break; fi
  sleep 0.1
done
at="$(sed -n 's/^listening on //p' log)"
[[ -n "$at" ]] || { cat log; exit 2; }
url="http://$at"

# curl, as scripts use it: the second run gets nothing new, and an error leaves the file.
fetch() { curl --fail --silent --show-error "$@"; }
fetch -R -o list "$url/v1/feeds/public/Storage.v4.txt"
check "curl: the list is that of expand" cmp list <(env TAGWALL_STORE=store "$tagwall" expand Storage -4)
code="$(curl -s -o again -w '%{http_code}' -z list -R "$url/v1/feeds/public/Storage.v4.txt")"
check "curl -z: the second run is 304" test "$code" = 304
code="$(curl -s -o again -w '%{http_code}' -H "If-Modified-Since: $(date -u '+%a, %d %b %Y %H:%M:%S GMT')" "$url/v1/feeds/public/Storage.v4.txt")"
check "curl with another time gets the list" test "$code" = 200
code="$(curl -s -o /dev/null -w '%{http_code}' --etag-save etag --etag-compare none "$url/v1/feeds/public/Storage.v4.txt")"
check "curl --etag-compare: first 200" test "$code" = 200
code="$(curl -s -o /dev/null -w '%{http_code}' --etag-compare etag "$url/v1/feeds/public/Storage.v4.txt")"
check "curl --etag-compare: then 304" test "$code" = 304
check "curl --compressed: the same bytes" cmp again <(fetch --compressed "$url/v1/feeds/public/Storage.v4.txt")
if fetch -o kept "$url/v1/feeds/public/Only4.v6.txt" 2> /dev/null; then fail "curl --fail: an empty list"; else pass "curl --fail: an empty list is an error"; fi

# Requests as devices send them.
head_of() { curl -s -D - -o body "$@" | tr -d '\r'; }
head_of -A "PAN-OS/11.1" -u "x:y" "$url/v1/edl/panos/public/Storage.v4.txt" > head
check "PAN-OS: exact length, no chunks" test "$(sed -n 's/^content-length: //p' head)" = "$(stat -c %s body)"
head_of --http1.0 -A "FortiGate" "$url/v1/edl/fortigate/public/Storage.v4.txt" > head
check "FortiGate, HTTP/1.0: a whole list" cmp body again
head_of -H 'Accept:' -A "Check Point" "$url/v1/edl/checkpoint/public/Storage.v4.txt" > head
check "Check Point: plain text" grep -q '^content-type: text/plain; charset=utf-8$' head

# A network of its own, if the system lets us.
own_network=()
if unshare --user --map-root-user --net true 2> /dev/null; then own_network=(unshare --user --map-root-user --net); elif unshare --net true 2> /dev/null; then own_network=(unshare --net); fi

if command -v nft > /dev/null && [[ ${#own_network[@]} -gt 0 ]] && "${own_network[@]}" nft list ruleset > /dev/null 2>&1; then
  fetch -o sets.nft "$url/v1/edl/nft/public/Storage.mixed.txt"
  # shellcheck disable=SC2016 # for the inner shell
  check "nft: loads, twice, and has the addresses" "${own_network[@]}" bash -ec '
    nft -f sets.nft; nft -f sets.nft
    nft get element inet tagwall public_storage_ipv4 "{ 192.0.2.7 }" > /dev/null
    nft get element inet tagwall public_storage_ipv6 "{ 2001:db8:1::1 }" > /dev/null
    ! nft get element inet tagwall public_storage_ipv4 "{ 203.0.113.7 }" 2> /dev/null
    head -c 20000 sets.nft > cut.nft; ! nft -f cut.nft 2> /dev/null
    nft get element inet tagwall public_storage_ipv4 "{ 192.0.2.7 }" > /dev/null'
else
  skip "nft: no nftables in a network of its own"
fi
if command -v ipset > /dev/null && [[ ${#own_network[@]} -gt 0 ]] && "${own_network[@]}" ipset list > /dev/null 2>&1; then
  fetch -o sets.ipset "$url/v1/edl/ipset/public/Storage.v4.txt"
  check "ipset: restores, twice, and has the addresses" "${own_network[@]}" bash -ec '
    ipset restore -! < sets.ipset; ipset restore -! < sets.ipset
    ipset test public_storage_4 192.0.2.7; ! ipset test public_storage_4 203.0.113.7
    head -c 20000 sets.ipset | ipset restore -! 2> /dev/null || true
    ipset test public_storage_4 192.0.2.7'
else
  skip "ipset: no sets in a network of its own"
fi

if command -v haproxy > /dev/null; then
  fetch -o inside.lst "$url/v1/feeds/public/Local.mixed.txt"
  fetch -o outside.lst "$url/v1/feeds/public/Storage.mixed.txt"
  port="$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')"
  for list in inside outside; do
    cat > haproxy.cfg << CFG
defaults
  mode http
  timeout connect 5s
  timeout client 5s
  timeout server 5s
frontend f
  bind 127.0.0.1:$port
  acl azure src -f $scratch/$list.lst
  http-request deny unless azure
  http-request return status 200 content-type text/plain string ok
CFG
    haproxy -f haproxy.cfg > haproxy.log 2>&1 &
    proxy=$!
    code=000
    for _ in $(seq 100); do
      code="$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/" || true)"
      if [[ "$code" != 000 ]]; then break; fi
      sleep 0.1
    done
    kill "$proxy"
    wait "$proxy" 2> /dev/null || true
    proxy=0
    wanted=200
    if [[ $list = outside ]]; then wanted=403; fi
    check "HAProxy: $wanted from $list" test "$code" = "$wanted"
  done
else
  skip "HAProxy: not to be had"
fi

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
# ask URL CURL-ARGUMENTS...: the code, once something answers there
ask() {
  local code=000
  for _ in $(seq 100); do
    code="$(curl -s -o /dev/null -w '%{http_code}' "${@:2}" "$1" || true)"
    if [[ "$code" != 000 ]]; then break; fi
    sleep 0.1
  done
  echo "$code"
}
stop_proxy() {
  kill "$proxy" 2> /dev/null || true
  wait "$proxy" 2> /dev/null || true
  proxy=0
}

if command -v nginx > /dev/null; then
  fetch "$url/v1/feeds/public/Local.mixed.txt" | sed 's/$/ 1;/' > inside.geo
  fetch "$url/v1/feeds/public/Storage.mixed.txt" | sed 's/$/ 1;/' > outside.geo
  own=""
  if [[ $(id -u) == 0 ]]; then own="user root;"; fi
  for list in inside outside; do
    port="$(free_port)"
    cat > nginx.conf << CFG
daemon off;
$own
pid $scratch/nginx.pid;
error_log $scratch/nginx.log;
events { }
http {
  access_log off;
  client_body_temp_path $scratch/t1; proxy_temp_path $scratch/t2; fastcgi_temp_path $scratch/t3; uwsgi_temp_path $scratch/t4; scgi_temp_path $scratch/t5;
  geo \$azure { default 0; include $scratch/$list.geo; }
  server { listen 127.0.0.1:$port; location / { if (\$azure = 0) { return 403; } return 200 "ok"; } }
}
CFG
    nginx -p "$scratch" -c "$scratch/nginx.conf" > nginx.out 2>&1 &
    proxy=$!
    code="$(ask "http://127.0.0.1:$port/")"
    stop_proxy
    wanted=200
    if [[ $list = outside ]]; then wanted=403; fi
    check "nginx, geo: $wanted from $list" test "$code" = "$wanted"
  done
else
  skip "nginx: not to be had"
fi

if command -v squid > /dev/null; then
  fetch -o inside.lst "$url/v1/feeds/public/Local.mixed.txt"
  fetch -o outside.lst "$url/v1/feeds/public/Storage.mixed.txt"
  # As root it becomes somebody else, who has to be able to read here.
  own=""
  if [[ $(id -u) == 0 ]]; then own="cache_effective_user nobody"; fi
  mkdir -p squid
  for part in share/squid share/squid-langpack lib/squid; do
    if [[ -d "$work/root/usr/$part" ]]; then cp -R "$work/root/usr/$part" "squid/${part//\//-}"; else cp -R "/usr/$part" "squid/${part//\//-}"; fi
  done
  chmod -R a+rX "$scratch"
  for list in inside outside; do
    port="$(free_port)"
    cat > squid.conf << CFG
http_port 127.0.0.1:$port
$own
pid_filename none
access_log none
cache_log /dev/null
coredump_dir $scratch
mime_table $scratch/squid/share-squid/mime.conf
icon_directory $scratch/squid/share-squid/icons
error_directory $scratch/squid/share-squid-langpack/en
unlinkd_program $scratch/squid/lib-squid/unlinkd
pinger_enable off
shutdown_lifetime 0 seconds
memory_cache_shared off
cache deny all
acl azure dst "$scratch/$list.lst"
http_access allow azure
http_access deny all
CFG
    squid -N -d 2 -n "tagwall$$$list" -f "$scratch/squid.conf" > squid.out 2>&1 &
    proxy=$!
    code="$(ask "$url/livez" --proxy "http://127.0.0.1:$port")"
    stop_proxy
    wanted=200
    if [[ $list = outside ]]; then wanted=403; fi
    check "Squid: $wanted for a host of $list" test "$code" = "$wanted"
    if [[ "$code" != "$wanted" ]]; then tail -n 5 squid.out; fi
  done
else
  skip "Squid: not to be had"
fi

firehol="$work/root/usr/lib/firehol"
if [[ ! -e "$firehol/update-ipsets" ]]; then firehol=/usr/lib/firehol; fi
if [[ -e "$firehol/update-ipsets" ]] && command -v iprange > /dev/null; then
  mkdir -p firehol/etc/firehol/ipsets.d firehol/etc/firehol/ipsets firehol/var/run firehol/var/cache firehol/var/lib firehol/share
  cp -R "$firehol" firehol/program
  sed -i "s#^DATAROOTDIR=.*#DATAROOTDIR=\"$scratch/firehol/share\"#; s#^SYSCONFDIR=.*#SYSCONFDIR=\"$scratch/firehol/etc\"#
    s#^LOCALSTATEDIR=.*#LOCALSTATEDIR=\"$scratch/firehol/var\"#" firehol/program/install.config
  echo "update tagwall_storage 0 0 ipv4 both \"$url/v1/feeds/public/Storage.v4.txt\" cat custom Storage tagwall \"$url/\"" \
    > firehol/etc/firehol/ipsets.d/tagwall.conf
  touch firehol/etc/firehol/update-ipsets.conf
  # A set is switched on by an old file of its name.
  touch -t 200001010000 firehol/etc/firehol/ipsets/tagwall_storage.source
  update_ipsets() {
    env HOME="$scratch/firehol" IPSETS_APPLY=0 BASE_DIR="$scratch/firehol/etc/firehol/ipsets" \
      CONFIG_FILE="$scratch/firehol/etc/firehol/update-ipsets.conf" CACHE_DIR="$scratch/firehol/var/cache" LIB_DIR="$scratch/firehol/var/lib" \
      RUN_PARENT_DIR="$scratch/firehol/var/run" ADMIN_SUPPLIED_IPSETS="$scratch/firehol/etc/firehol/ipsets.d" \
      timeout 120 bash firehol/program/update-ipsets --recheck run tagwall_storage 2>&1 || true
  }
  update_ipsets > firehol.first
  check "FireHOL: the first run gets the list" grep -q 'HTTP/200 OK' firehol.first
  cat firehol/etc/firehol/ipsets/tagwall_storage.*set 2> /dev/null | grep -v '^#' | sort > firehol.set || true
  check "FireHOL: it has the addresses" cmp <(iprange list) <(iprange firehol.set)
  update_ipsets > firehol.second
  check "FireHOL: the second run is 304" grep -q 'HTTP/304 Not Modified' firehol.second
else
  skip "FireHOL: not to be had"
fi

if command -v prometheus > /dev/null; then
  port="$(free_port)"
  printf 'scrape_configs: [{ job_name: tagwall, scrape_interval: 200ms, scrape_timeout: 200ms, static_configs: [{ targets: ["%s"] }] }]\n' "$at" > prometheus.yml
  prometheus --config.file=prometheus.yml --storage.tsdb.path=tsdb --web.listen-address="127.0.0.1:$port" > prometheus.log 2>&1 &
  proxy=$!
  found=""
  for _ in $(seq 150); do
    found="$(curl -s "http://127.0.0.1:$port/api/v1/query?query=tagwall_snapshot_info" || true)"
    if [[ "$found" == *change_number* ]]; then break; fi
    sleep 0.1
  done
  stop_proxy
  check "Prometheus: it scrapes and knows the data" grep -q '"cloud":"public"' <<< "$found"
else
  skip "Prometheus: not to be had"
fi

if command -v promtool > /dev/null; then
  fetch -o metrics "$url/metrics"
  check "promtool check metrics is silent" test -z "$(promtool check metrics < metrics 2>&1)"
  check "promtool: a metric without a type is noticed" bash -c '! echo "tagwall_x_total 1" | promtool check metrics > /dev/null 2>&1'
  check "promtool check rules" promtool check rules "$here/../../deploy/prometheus/alerts.yml"
  check "promtool test rules" promtool test rules "$here/../../deploy/prometheus/alerts.test.yml"
else
  skip "promtool: not to be had"
fi
check "the board is JSON" python3 -m json.tool "$here/../../deploy/grafana/tagwall.json" /dev/null

kill -TERM "$server"
if wait "$server"; then pass "SIGTERM ends it with 0"; else fail "SIGTERM ends it with 0"; fi
server=0
exit "$failed"
