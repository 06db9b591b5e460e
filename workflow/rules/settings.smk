from snakemake.settings.enums import RerunTrigger
from snakemake.settings.types import DAGSettings


class SettledWorkflow(type(workflow)):
    """Snakemake's workflow with settings that decide what runs again, as in profiles/default.

    So they hold where no profile is read, unless the command says otherwise. Snakemake gives a workflow
    its settings only after it has read all rules.
    """

    def __setattr__(self, name, value):
        if name == "dag_settings" and value is not None:
            if value.rerun_triggers == RerunTrigger.all():
                value.rerun_triggers = frozenset(
                    {RerunTrigger.MTIME, RerunTrigger.PARAMS, RerunTrigger.SOFTWARE_ENV}
                )
            if value.max_checksum_file_size == DAGSettings.max_checksum_file_size:
                value.max_checksum_file_size = 100_000_000_000
            value.force_incomplete = True
        super().__setattr__(name, value)


# As a module, the settings are those of the workflow that has it.
if not IS_MODULE:
    workflow.__class__ = SettledWorkflow


def inputs_count():
    """Whether a rule runs again for other inputs than it had, even if it only waited for them."""
    return RerunTrigger.INPUT in workflow.rerun_triggers
