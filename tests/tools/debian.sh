# Programs from Debian packages, unpacked and not installed. To be sourced.
# shellcheck shell=bash

# unpack_debian FOLDER PACKAGE...: each package with what it needs and this system lacks, below FOLDER; one that cannot be had
# is left out. The programs found there come after the system's own, the libraries before them.
unpack_debian() {
  local folder="$1" package needed part libraries
  shift
  mkdir -p "$folder"
  for package in "$@"; do
    if [[ -e "$folder/.unpacked-$package" ]] || ! command -v apt-get > /dev/null; then continue; fi
    if [[ -z "${debian_updated:-}" ]]; then
      apt-get update -qq > /dev/null 2>&1 || true
      debian_updated=yes
    fi
    needed="$(apt-get --simulate --no-install-recommends install "$package" 2> /dev/null)" || continue
    needed="$(awk '/^Inst/ { print $2 }' <<< "$needed")"
    part="$(mktemp -d "$folder/.debs-XXXXXX")"
    # shellcheck disable=SC2086 # one word for each package
    if [[ -z "$needed" ]] || (cd "$part" && apt-get -qq download $needed > /dev/null 2>&1 && for deb in *.deb; do dpkg -x "$deb" ..; done); then
      touch "$folder/.unpacked-$package"
    fi
    rm -rf "$part"
  done
  libraries="$(uname -m)-linux-gnu"
  export PATH="$PATH:$folder/usr/sbin:$folder/usr/bin:$folder/sbin:$folder/bin"
  export LD_LIBRARY_PATH="$folder/usr/lib/$libraries:$folder/lib/$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
}
