"""Snakemake that asks SLURM twice a second how its jobs are.

The executor plugin waits 10 s longer after every look at which no job has ended.
"""

import asyncio
import sys

from snakemake.cli import main
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor


async def _sleep(_: RemoteExecutor) -> None:
    await asyncio.sleep(0.5)


RemoteExecutor.sleep = _sleep
main(sys.argv[1:])
