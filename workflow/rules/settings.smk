from snakemake.settings.enums import RerunTrigger
from snakemake.settings.types import DAGSettings

# What decides what runs again does not wait for a profile to be read: these are those of
# profiles/default, unless the command says otherwise. As a module, the settings are not ours.
if not IS_MODULE and workflow.dag_settings is not None:
    if workflow.dag_settings.rerun_triggers == RerunTrigger.all():
        workflow.dag_settings.rerun_triggers = frozenset(
            {RerunTrigger.MTIME, RerunTrigger.PARAMS, RerunTrigger.SOFTWARE_ENV}
        )
    if (
        workflow.dag_settings.max_checksum_file_size
        == DAGSettings.max_checksum_file_size
    ):
        workflow.dag_settings.max_checksum_file_size = 100_000_000_000
    workflow.dag_settings.force_incomplete = True


def inputs_count():
    """Whether a rule runs again for other inputs than it had, even if it only waited for them."""
    return RerunTrigger.INPUT in workflow.rerun_triggers
