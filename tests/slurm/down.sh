#!/usr/bin/env bash
# Ends what up.sh started, jobs included, and removes its configuration: tests/slurm/down.sh STATE_DIR
set -euo pipefail
state=$(realpath --canonicalize-missing "${1:?usage: down.sh STATE_DIR}")
conf=/etc/slurm/slurm.conf
[ "$(head -n 1 "$conf" 2> /dev/null)" = "# flowpose tests: $state" ] || exit 0

# Prints the process of a daemon of ours that runs.
process() {
  local pid
  pid=$(cat "$state/$1.pid" 2> /dev/null) && [ "$(cat "/proc/$pid/comm" 2> /dev/null)" = "$1" ] && echo "$pid"
}

if process slurmctld > /dev/null; then
  timeout 10 scancel --user=root || true
  for _ in {1..50}; do [ -z "$(timeout 10 squeue --noheader)" ] && break; sleep 0.1; done
fi
for daemon in slurmd slurmctld; do
  pid=$(process $daemon) || continue
  kill "$pid"
  # Which removes the file as it ends.
  for _ in {1..50}; do [ -e "$state/$daemon.pid" ] || continue 2; sleep 0.1; done
  kill -KILL "$pid"
done
# With this left behind and no daemon to answer, every call of snakemake would wait for 10 s.
rm -f "$conf" /etc/slurm/gres.conf
