"""An executor for the tests: each job in a folder of its own, with what the storage brings."""

import subprocess
import tempfile
from collections.abc import AsyncGenerator

from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor
from snakemake_interface_executor_plugins.jobs import JobExecutorInterface
from snakemake_interface_executor_plugins.settings import CommonSettings

# As that of Kubernetes, but for the plugin of the storage, which is not installed in each.
common_settings = CommonSettings(
    non_local_exec=True,
    implies_no_shared_fs=True,
    job_deploy_sources=True,
    auto_deploy_default_storage_provider=False,
)


class Executor(RemoteExecutor):
    def __post_init__(self) -> None:
        pass

    def run_job(self, job: JobExecutorInterface) -> None:
        folder = tempfile.mkdtemp(prefix="pod-")
        process = subprocess.Popen(self.format_job_exec(job), shell=True, cwd=folder)
        self.report_job_submission(SubmittedJobInfo(job=job, aux={"process": process}))

    async def check_active_jobs(
        self, active_jobs: list[SubmittedJobInfo]
    ) -> AsyncGenerator[SubmittedJobInfo, None]:
        for submitted in active_jobs:
            status = submitted.aux["process"].poll()
            if status is None:
                yield submitted
            elif status:
                self.report_job_error(submitted)
            else:
                self.report_job_success(submitted)

    def cancel_jobs(self, active_jobs: list[SubmittedJobInfo]) -> None:
        for submitted in active_jobs:
            submitted.aux["process"].terminate()
