#!/usr/bin/env bash
# Starts a SLURM of one node on this machine, with four GPUs that are none: tests/slurm/up.sh STATE_DIR
# For tests: no authentication, loopback only. Root. Installs Debian's slurm-wlm where it is missing.
set -euo pipefail
state=$(realpath "${1:?usage: up.sh STATE_DIR}")
here=$(dirname "$(realpath "$0")")
# Not elsewhere by way of SLURM_CONF: the executor plugin takes SLURM_* out of its jobs' environment.
conf=/etc/slurm/slurm.conf
gres=/etc/slurm/gres.conf
mark="# flowpose tests: "

refuse() { echo "$*" >&2; exit 1; }

# Waits up to 10 s for a command to succeed.
await() { for _ in {1..100}; do "$@" > /dev/null 2>&1 && return; sleep 0.1; done; return 1; }
idle() { [ "$(sinfo --noheader --format=%t | sort -u)" = idle ]; }

[ "$(id -u)" = 0 ] || refuse "SLURM's daemons need root"
if [ -e "$conf" ]; then
  left=$(sed -n "s/^$mark//p" "$conf")
  [ -n "$left" ] || refuse "$conf is there: this machine has a SLURM of its own"
  "$here/down.sh" "$left"
fi
if ! command -v slurmctld slurmd > /dev/null; then
  command -v apt-get > /dev/null || refuse "no slurmctld, and no apt-get to install it with"
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update && apt-get install --yes --no-install-recommends slurm-wlm; } > "$state/apt.log" 2>&1 \
    || refuse "slurm-wlm cannot be installed: $(tail -n 3 "$state/apt.log")"
fi

host=$(hostname -s)
mkdir -p "$state/spool" /etc/slurm
cat > "$conf" <<END
$mark$state
ClusterName=flowpose
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=16817
SlurmdPort=16818
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmUser=root
SlurmdUser=root
AuthType=auth/none
CredType=cred/none
StateSaveLocation=$state
SlurmdSpoolDir=$state/spool
SlurmctldPidFile=$state/slurmctld.pid
SlurmdPidFile=$state/slurmd.pid
SlurmctldLogFile=$state/slurmctld.log
SlurmdLogFile=$state/slurmd.log
# The node is larger than the machine, so that no job of the tests waits for another.
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
AccountingStorageType=accounting_storage/none
# A job that takes more memory than it asked for is killed within a second.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
KillWait=2
SchedulerParameters=sched_interval=1,sched_min_interval=0,batch_sched_delay=0
GresTypes=gpu
NodeName=$host NodeAddr=127.0.0.1 CPUs=32 RealMemory=128000 Gres=gpu:4 State=UNKNOWN
PartitionName=cpu Nodes=$host Default=YES
PartitionName=gpu Nodes=$host
END
cat > "$gres" <<END
AutoDetect=off
NodeName=$host Name=gpu File=/dev/null
NodeName=$host Name=gpu File=/dev/zero
NodeName=$host Name=gpu File=/dev/full
NodeName=$host Name=gpu File=/dev/random
END
trap 'echo "SLURM does not start: $(tail -n 3 "$state"/*.log)" >&2; "$here/down.sh" "$state"' ERR
slurmctld -c
await scontrol ping
slurmd -c -N "$host"
await idle
