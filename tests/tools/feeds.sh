#!/usr/bin/env bash
# Lets real consumers fetch from `tagwall serve`.
#
# usage: feeds.sh TAGWALL WORK-DIR
#
# curl, nft, ipset, HAProxy and promtool are those that are installed, else from Debian packages that are unpacked in WORK-DIR. Each
# check that can be had is done; nft and ipset load into a network of their own where the system lets them have one. Prints PASS,
# FAIL and SKIP lines; exit 0 if nothing failed, 1 if something did, 2 if it could not run.
set -euo pipefail

if [[ $# != 2 ]]; then
  sed -n '2,9p' "$0" >&2
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

# Packages with what they need, unpacked and not installed.
if [[ ! -e "$work/ready" ]] && command -v apt-get > /dev/null; then
  mkdir -p "$work/debs"
  apt-get update -qq > "$work/apt.log" 2>&1 || true
  needed="$(apt-get --simulate --no-install-recommends install nftables ipset haproxy prometheus 2> /dev/null | awk '/^Inst/ { print $2 }' || true)"
  # shellcheck disable=SC2086 # one word for each package
  if [[ -n "$needed" ]] && (cd "$work/debs" && apt-get -qq download $needed >> "$work/apt.log" 2>&1); then
    for deb in "$work"/debs/*.deb; do dpkg -x "$deb" "$work/root"; done
    rm -rf "$work/debs"
    touch "$work/ready"
  fi
fi
export PATH="$PATH:$work/root/usr/sbin:$work/root/usr/bin:$work/root/sbin"
export LD_LIBRARY_PATH="$work/root/usr/lib/x86_64-linux-gnu:$work/root/lib/x86_64-linux-gnu${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"

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
env TAGWALL_STORE=store "$tagwall" snapshots add ServiceTags_Public_20260302.json > /dev/null
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
touch -d '1 hour ago' list
code="$(curl -s -o again -w '%{http_code}' -z list -R "$url/v1/feeds/public/Storage.v4.txt")"
check "curl -z with another time gets the list" test "$code" = 200
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
