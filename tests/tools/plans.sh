#!/usr/bin/env bash
# Holds what `tagwall batch plan` prints against public rules for it, and the scripts of examples/fleet.
#
# usage: plans.sh TAGWALL WORK-DIR
#
# WORK-DIR is that of deploy.sh, whose checkers are used: run that first. A check counts only if it also refuses the same
# text with an error in it. Prints PASS and FAIL lines; exit 0 if all passed, 1 if not, 2 if it could not run.
set -euo pipefail

if [[ $# != 2 || ! -x "$2/deploy-venv/bin/kubernetes-validate" ]]; then
  sed -n '2,7p' "$0" >&2
  exit 2
fi
tagwall="$(realpath "$1")"
tools="$(realpath "$2")/deploy-venv/bin"
cd "$(dirname "${BASH_SOURCE[0]}")/../../examples/fleet"
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
failed=0

# check WHAT FILE EDIT COMMAND...: the command must take the file, and refuse it after the edit by sed.
check() {
  local what="$1" file="$2" edit="$3"
  shift 3
  if ! "$@" "$file" > "$scratch/log" 2>&1; then
    echo "FAIL $what"
    cat "$scratch/log"
    failed=1
    return
  fi
  sed "$edit" "$file" > "$scratch/edited-${file##*/}"
  if cmp -s "$file" "$scratch/edited-${file##*/}" || "$@" "$scratch/edited-${file##*/}" > "$scratch/log" 2>&1; then
    echo "FAIL $what also takes it after $edit"
    failed=1
  else
    echo "PASS $what"
  fi
}

plan() {
  "$tagwall" batch plan fleet.toml --snapshot sample --shards 16 --engine "$1" > "$scratch/$2"
}

pipeline_schema() {
  "$tools/python" -c 'import json, sys, ruamel.yaml as y; print(json.dumps(y.YAML(typ="base").load(open(sys.argv[1]))))' \
    "$1" > "$scratch/pipeline.json"
  "$tools/check-jsonschema" --builtin-schema vendor.azure-pipelines --data-transform azure-pipelines \
    --regex-variant nonunicode "$scratch/pipeline.json"
}

plan kubernetes job.yaml
plan slurm fleet.sh
plan github workflow.yml
plan azure-pipelines pipeline.yml
check "Kubernetes: strict schema" "$scratch/job.yaml" 's/podFailurePolicy:/podFailurPolicy:/' \
  "$tools/kubernetes-validate" --strict
# shellcheck disable=SC2016 # the edit is not for this shell
check "Slurm: shellcheck" "$scratch/fleet.sh" '$a if [ $1 = ]; then' "$tools/shellcheck"
check "GitHub: schema" "$scratch/workflow.yml" 's/runs-on:/runs-onn:/' \
  "$tools/check-jsonschema" --builtin-schema vendor.github-workflows
check "GitHub: actionlint" "$scratch/workflow.yml" 's/matrix.shard/matrix.shrd/' \
  "$tools/actionlint" -shellcheck "$tools/shellcheck"
check "Azure Pipelines: schema" "$scratch/pipeline.yml" 's/- bash:/- bsh:/' pipeline_schema
# shellcheck disable=SC2016
check "GNU parallel: shellcheck" gnu-parallel.sh '$a if [ $1 = ]; then' "$tools/shellcheck"
exit "$failed"
