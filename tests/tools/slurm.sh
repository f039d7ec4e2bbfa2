#!/usr/bin/env bash
# Runs the shards of examples/fleet as an array job of Slurm on three nodes, one of which is killed in the middle.
#
# usage: slurm.sh TAGWALL WORK-DIR
#
# Slurm is Debian's: its packages are unpacked in WORK-DIR, nothing is installed. Its daemons listen on the loopback and
# end with this script. Needs root (slurmd) and the network for the packages. Then the same by GNU parallel, where its
# package can be had. Prints PASS and FAIL lines; exit 0 if all passed, 1 if not, 2 if it could not run.
set -euo pipefail

if [[ $# != 2 ]]; then
  sed -n '2,8p' "$0" >&2
  exit 2
fi
tagwall="$(realpath "$1")"
work="$(mkdir -p "$2" && cd "$2" && pwd)"
here="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
fleet="$here/examples/fleet/fleet.toml"
if [[ "$(id -u)" != 0 ]]; then
  echo "slurm.sh: only root can start slurmd" >&2
  exit 2
fi

# shellcheck source=tests/tools/debian.sh
. "$(dirname "${BASH_SOURCE[0]}")/debian.sh"
root="$work/slurm"
unpack_debian "$root" slurmctld slurmd slurm-client munge
lib="$root/usr/lib/$(uname -m)-linux-gnu"
export LD_LIBRARY_PATH="$lib/slurm-wlm:$LD_LIBRARY_PATH"
command -v slurmctld-wlm > /dev/null || {
  echo "slurm.sh: the packages of Slurm cannot be had" >&2
  exit 2
}
run="$(mktemp -d /tmp/slurm-XXXXXX)"
started=()
finish() {
  for pid in "${started[@]}"; do kill -9 "$pid" 2> /dev/null || true; done
  rm -rf "$run"
}
trap finish EXIT

# Daemons in the foreground, so that they end with this script.
start() {
  local log="$1"
  shift
  "$@" > "$run/$log.log" 2>&1 &
  started+=($!)
}

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

mkdir -m 700 "$run/munge"
head -c 1024 /dev/urandom > "$run/munge/key"
chmod 600 "$run/munge/key"
start munged munged --foreground --force --key-file="$run/munge/key" --socket="$run/munge/socket" \
  --pid-file="$run/munge/pid" --log-file="$run/munge/log" --seed-file="$run/munge/seed"
for node in n1 n2 n3; do
  mkdir -p "$run/$node"
  printf 'NodeName=%s NodeHostname=localhost NodeAddr=127.0.0.1 Port=%s CPUs=1 State=UNKNOWN\n' "$node" "$(free_port)"
done > "$run/nodes"
mkdir "$run/state"
cat > "$run/slurm.conf" << EOF
ClusterName=tagwall
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort=$(free_port)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$run/munge/socket,cred_expire=6
CredType=cred/munge
CryptoType=crypto/munge
PluginDir=$lib/slurm-wlm
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SlurmctldTimeout=30
SlurmdTimeout=5
InactiveLimit=0
KillWait=1
ReturnToService=2
StateSaveLocation=$run/state
SlurmdSpoolDir=$run/%n
SlurmctldPidFile=$run/slurmctld.pid
SlurmdPidFile=$run/%n.pid
SlurmctldLogFile=$run/slurmctld.out
SlurmdLogFile=$run/%n.out
$(cat "$run/nodes")
PartitionName=all Nodes=n[1-3] Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
EOF
sed -i '/^CryptoType/d' "$run/slurm.conf"
export SLURM_CONF="$run/slurm.conf"
for _ in $(seq 100); do [[ -S "$run/munge/socket" ]] && break; sleep 0.1; done
start slurmctld slurmctld-wlm -D -i -f "$SLURM_CONF"
declare -A node_pid
node() {
  start "$1" slurmd-wlm -D -N "$1" -f "$SLURM_CONF" -d "$root/usr/sbin/slurmstepd-wlm"
  node_pid[$1]=${started[-1]}
}
sleep 1
for name in n1 n2 n3; do node "$name"; done

idle() { timeout 5 sinfo -h -N -o '%t' 2> /dev/null | grep -cx idle || true; }
for round in $(seq 120); do
  [[ "$(idle)" == 3 ]] && break
  # A node that came before the controller was ready is not registered: it starts again.
  if ((round % 20 == 0)); then
    for name in n1 n2 n3; do
      sinfo -h -N -n "$name" -o '%t' 2> /dev/null | grep -qx idle && continue
      kill -9 "${node_pid[$name]}" 2> /dev/null || true
      node "$name"
    done
  fi
  sleep 0.5
done
if [[ "$(idle)" != 3 ]]; then
  echo "slurm.sh: the three nodes are not idle" >&2
  sinfo -N >&2 || true
  tail -n 5 "$run"/*.out "$run"/*.log >&2 || true
  exit 2
fi
echo "three nodes are idle"

# The shards take a while, so that a node can be lost in the middle.
mkdir "$run/bin"
cat > "$run/bin/tagwall" << EOF
#!/bin/bash
echo "shard \$SLURM_ARRAY_TASK_ID on \$SLURMD_NODENAME, start \${SLURM_RESTART_COUNT:-0}" >> "$run/started"
# What the node that will be lost has begun, it does not end.
[ "\$SLURMD_NODENAME" != n2 ] || [ "\${SLURM_RESTART_COUNT:-0}" != 0 ] || sleep 120
sleep 1
exec "$tagwall" "\$@"
EOF
chmod +x "$run/bin/tagwall"
shards=9
"$tagwall" batch plan "$fleet" --engine slurm --shards $shards --snapshot sample --out "$run/out" > "$run/fleet.sbatch"
job="$(PATH="$run/bin:$PATH" sbatch --parsable --output="$run/job-%a.txt" "$run/fleet.sbatch")"
for _ in $(seq 200); do [[ "$(grep -c 'on n2' "$run/started" 2> /dev/null || true)" -ge 1 ]] && break; sleep 0.1; done
sleep 0.5
# The node is lost with all that runs on it: the daemon, the steps that it started, and what these run. The steps go before
# what they run, so that none of them tells how that ended.
steps=() inner=()
for environ in $(grep -slxz "SLURM_CONF=$SLURM_CONF" /proc/[0-9]*/environ || true); do
  grep -sqxz 'SLURMD_NODENAME=n2' "$environ" || continue
  process="${environ%/environ}"
  inner+=("${process#/proc/}")
  parent="$(awk '/^PPid:/ { print $2 }' "$process/status" 2> /dev/null || true)"
  grep -sq '^slurmstepd' "/proc/${parent:-0}/comm" && steps+=("$parent")
done
kill -9 "${node_pid[n2]}" "${steps[@]}" "${inner[@]}" 2> /dev/null || true
echo "node n2 is killed with what runs on it"
for _ in $(seq 600); do
  [[ -z "$(timeout 5 squeue -h -j "$job" 2> /dev/null)" ]] && break
  sleep 0.5
done
sort "$run/started" | uniq -c
failed=0
if ! timeout 5 squeue -h -j "$job" 2> /dev/null | grep -q .; then echo "PASS the array has ended"; else
  echo "FAIL the array does not end"
  squeue -j "$job" || true
  failed=1
fi
again="$(grep -vc 'start 0' "$run/started" || true)"
if [[ "$again" -ge 1 ]]; then echo "PASS the shard of the lost node was started again"; else
  echo "FAIL no shard was started again"
  failed=1
fi
"$tagwall" batch merge "$run/out" --out "$run/out"
"$tagwall" batch "$fleet" --snapshot sample --out "$run/whole" -q > /dev/null
if diff -r --exclude='shard-*' "$run/out" "$run/whole" > "$run/diff"; then
  echo "PASS the merged result is that of one run, to the byte"
else
  echo "FAIL the merged result differs"
  head -n 20 "$run/diff"
  failed=1
fi

unpack_debian "$root" parallel
if command -v parallel > /dev/null; then
  PERL5LIB="$root/usr/share/perl5" TAGWALL="$tagwall" \
    "$here/examples/fleet/gnu-parallel.sh" "$fleet" 5 "$run/parallel" sample > /dev/null
  rm -f "$run/parallel/.parallel.log"
  if diff -r --exclude='shard-*' "$run/parallel" "$run/whole" > "$run/diff"; then
    echo "PASS GNU parallel: the merged result is that of one run, to the byte"
  else
    echo "FAIL GNU parallel: the merged result differs"
    head -n 20 "$run/diff"
    failed=1
  fi
else
  echo "GNU parallel cannot be had: skipped"
fi
exit "$failed"
