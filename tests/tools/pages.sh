#!/usr/bin/env bash
# Opens the pages of `tagwall serve`, of `tagwall site` and `report.html` in a real browser.
#
# usage: pages.sh TAGWALL WORK-DIR
#
# Chromium is the one that is installed, else from Debian packages that are unpacked in WORK-DIR; what drives it comes from npm.
# Screenshots stay in WORK-DIR/shots. Prints PASS and FAIL lines; exit 0 if nothing failed, 1 if something did, 2 if it could not run.
set -euo pipefail

playwright=1.65.1 axe=4.14.1
if [[ $# != 2 ]]; then
  sed -n '2,8p' "$0" >&2
  exit 2
fi
tagwall="$(realpath "$1")"
work="$(mkdir -p "$2" && cd "$2" && pwd)"
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
cannot() { echo "pages.sh: $1" >&2; exit 2; }
command -v node > /dev/null && command -v npm > /dev/null || cannot "node with npm is not installed"

browser="$(command -v chromium || true)"
if [[ -z "$browser" ]]; then
  # shellcheck source=tests/tools/debian.sh
  . "$here/debian.sh"
  unpack_debian "$work/root" chromium
  export LD_LIBRARY_PATH="$work/root/usr/lib/$(uname -m)-linux-gnu/pulseaudio:$LD_LIBRARY_PATH"
  browser="$work/root/usr/lib/chromium/chromium"
  [[ -x "$browser" ]] || cannot "there is no chromium, and it cannot be had"
fi
if [[ "$(cat "$work/npm-ready" 2> /dev/null)" != "$playwright $axe" ]]; then
  npm install --no-audit --no-fund --loglevel=error --prefix "$work" "playwright-core@$playwright" "axe-core@$axe"
  echo "$playwright $axe" > "$work/npm-ready"
fi

scratch="$(mktemp -d)"
server=0
files=0
end() {
  if [[ $server != 0 ]]; then kill "$server" 2> /dev/null || true; fi
  if [[ $files != 0 ]]; then kill "$files" 2> /dev/null || true; fi
  rm -rf "$scratch"
}
trap end EXIT
cd "$scratch"
export TAGWALL_STORE="$scratch/store"

# Ten weeks without real addresses, names and reasons that must be shown as text, and an environment with a list that is widened.
python3 - << 'PY'
import datetime, json
def tag(name, prefixes, region=""):
    return {"name": name, "id": name, "properties": {"region": region, "regionId": 0, "platform": "Azure", "systemService": name.split(".")[0],
            "changeNumber": 1, "addressPrefixes": prefixes, "networkFeatures": ["API", "NSG", "FW"]}}
for number in range(1, 11):
    week = f"{datetime.date(2026, 3, 2) + datetime.timedelta(weeks=number - 1):%Y%m%d}"
    more = 40 * number - 15 * (number % 3)
    many = [f"198.18.{i // 64}.{i % 64 * 4}/31" for i in range(1000 + more)]
    six = [f"2001:db8:{i:x}::/48" for i in range(1, 60)]
    values = [tag("Storage", ["192.0.2.0/25"] + many + six), tag("Storage.WestEurope", many[:300 + more] + six[:20], "westeurope"),
              tag("Sql.WestEurope", ["203.0.113.0/26"], "westeurope"), tag("AzureCloud", ["192.0.2.0/24", "203.0.113.0/24"] + many)]
    json.dump({"changeNumber": number, "cloud": "Public", "values": values}, open(f"ServiceTags_Public_{week}.json", "w"))
PY
cat > p.toml << 'TOML'
schema = 1
name   = "training"
region = "westeurope"
network.address-space    = ["10.20.0.0/16"]
network.firewall         = "10.20.255.4"
subnets.training.prefixes = ["10.20.1.0/24"]
nsg.tags = "expand"
firewall.tags = "expand"
limits.nsg-destination-prefixes = 120
precision.max-extra = 100000
output.report = ["markdown", "html"]
[[allow]]
to       = ["Storage.WestEurope", "Sql.WestEurope"]
protocol = "tcp"
ports    = 443
why      = "<script>alert(1)</script> & <b style='x'>data</b>"
[[allow]]
to       = "fqdn:features.example.com"
protocol = "tcp"
ports    = 443
TOML
for file in ServiceTags_Public_*.json; do
  "$tagwall" snapshots add "$file" > /dev/null
  day="${file:19:4}-${file:23:2}-${file:25:2}"
  TAGWALL_NOW="${day}T06:00:00Z" "$tagwall" refresh p.toml --no-fetch --out published > refresh.log 2>&1 || { cat refresh.log; exit 2; }
done
"$tagwall" site --out static --site published > /dev/null
"$tagwall" serve --site published --listen 127.0.0.1:0 --access-log off 2> log &
server=$!
for _ in $(seq 300); do
  if grep -q '^serving ' log; then break; fi
  sleep 0.1
done
at="$(sed -n 's/^listening on //p' log)"
[[ -n "$at" ]] || { cat log; exit 2; }
# The copy as files behind a web server that knows nothing of tagwall.
cat > files.py << 'PY'
import functools, http.server
class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory="static"))
print(server.server_address[1], flush=True)
server.serve_forever()
PY
python3 files.py > files.port &
files=$!
until [[ -s files.port ]]; do sleep 0.05; done
mkdir -p "$work/shots"
cp "$here/pages.mjs" "$work/pages.mjs"
node "$work/pages.mjs" "$browser" "http://$at" "http://127.0.0.1:$(cat files.port)" "$work/shots"
