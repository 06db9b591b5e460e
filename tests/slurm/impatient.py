"""Snakemake that asks SLURM twice a second how its jobs are.

The executor plugin waits 10 s longer after every look at which no job has ended. And it asks
`sacct`, in vain, where a busy SLURM does not tell within 10 s how long it remembers jobs.
"""

import asyncio
import sys

import snakemake_executor_plugin_slurm
from snakemake.cli import main
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor


async def _sleep(_: RemoteExecutor) -> None:
    await asyncio.sleep(0.5)


RemoteExecutor.sleep = _sleep
# SLURM's default, s, as up.sh leaves it.
snakemake_executor_plugin_slurm.get_min_job_age = lambda: 300
main(sys.argv[1:])
