#!/usr/bin/env bash
# Builds the image of deploy/Containerfile and runs the container of the CronJob in it as Kubernetes would.
#
# usage: container.sh WORK-DIR
#
# Needs root, and buildah, runc and debootstrap (Debian packages of these names). No registry of images is asked: the two
# base images are made here, of Debian's own packages and of the Rust toolchain that is installed. TAGWALL_SHARED names
# the folder of shared data and checkers. Prints PASS and FAIL lines; exit 0 if all passed, 1 if not, 2 if it could not run.
set -euo pipefail

if [[ $# != 1 || -z "${TAGWALL_SHARED:-}" ]]; then
  sed -n '2,8p' "$0" >&2
  exit 2
fi
for tool in buildah runc debootstrap rustc; do
  if ! command -v "$tool" > /dev/null; then
    echo "container.sh: $tool is not installed; the image cannot be built without it" >&2
    exit 2
  fi
done
if [[ "$(id -u)" != 0 ]]; then
  echo "container.sh: only root can make the base images" >&2
  exit 2
fi
shared="$(realpath "$TAGWALL_SHARED")"
mkdir -p "$1"
work="$(cd "$1" && pwd)"
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../.." && pwd)"
export BUILDAH_ISOLATION=chroot

build() {
  buildah --root "$work/store" --runroot "$work/run" "$@"
}

# base NAME PARENT COMMAND...: makes the image NAME, where there is none yet, of PARENT and what COMMAND puts into it.
base() {
  local name="$1" container
  if build inspect --type image "$name" > /dev/null 2>&1; then
    return
  fi
  container="$(build from --pull-never "$2")"
  "${@:3}" "$container"
  build commit -q "$container" "$name" > /dev/null
  build rm "$container" > /dev/null
}

debian() {
  if [[ ! -e "$work/debian/etc/debian_version" ]]; then
    debootstrap --variant=minbase trixie "$work/debian" > "$work/debootstrap.log"
  fi
  build add -q "$1" "$work/debian" / > /dev/null
  build config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$1"
}

rust() {
  build copy -q "$1" "$(rustc --print sysroot)" /usr/local/rust > /dev/null
  # What this machine trusts, the build has to trust as well.
  build copy -q "$1" /etc/ssl/certs/ca-certificates.crt /usr/local/ca.crt > /dev/null
  build config --env CARGO_HTTP_CAINFO=/usr/local/ca.crt \
    --env PATH=/usr/local/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$1"
}

from="$(sed -n 's/^FROM \([^ ]*\).*/\1/p' "$root/deploy/Containerfile")"
base "$(grep /debian: <<< "$from")" scratch debian
base "$(grep /rust: <<< "$from")" "$(grep /debian: <<< "$from")" rust
if build bud --pull-never --layers -f "$root/deploy/Containerfile" -t tagwall "$root" > "$work/build.log" 2>&1; then
  echo "PASS deploy/Containerfile: the image builds"
else
  echo "FAIL deploy/Containerfile: the image does not build"
  tail -n 20 "$work/build.log"
  exit 1
fi
container="$(build from --pull-never localhost/tagwall)"
trap 'build rm "$container" > /dev/null' EXIT
if [[ ! -x "$work/venv/bin/python" ]]; then
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" install -q --only-binary :all: pyyaml==6.0.3
fi
build inspect --type image localhost/tagwall > "$work/image.json"
"$work/venv/bin/python" "$here/cronjob_run.py" "$root" "$work" "$(build mount "$container")" "$shared"
