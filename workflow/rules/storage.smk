from default_storage import DefaultStorage, path_in_config

# What stands in for a disk that all machines share, if anything does.
STORAGE = None
if workflow.storage_registry.default_storage_provider is not None:
    STORAGE = DefaultStorage(
        workflow.storage_registry.default_storage_provider,
        workflow.storage_settings.default_storage_prefix or "",
    )


def without_storage(what, remedy):
    """Refuse what needs a disk: what it is, and what to do in its place."""
    if STORAGE is not None:
        raise WorkflowError(
            f"{what} does not work with a default storage, {STORAGE.prefix} ({remedy})"
        )


def refuse_elsewhere(key, path):
    """Refuse a path of the config that cannot be one of the storage."""
    if wrong := STORAGE.problem(path):
        raise WorkflowError(f"{key}: {path}: {wrong}")


# Before the config is read in full, which looks for files.
if config.get("videos"):
    without_storage("videos", "name each video under sequences, or in a table")
if config.get("human36m") is not None:
    without_storage(
        "human36m", "name each video under sequences, or in a table: docs/cluster.md"
    )
