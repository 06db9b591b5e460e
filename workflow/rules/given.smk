from given_inputs import is_there, refuse_replacement


def leading_nowhere():
    """What the config names and is not there: key, path, and the variant, sequence and stage made from it."""
    for sequence in SEQUENCES:
        for key, path, stage in named_by(sequence):
            if not is_made(path) and not is_there(path):
                for variant in CONFIGS:
                    yield f"sequences.{sequence}.{key}", path, variant, sequence, stage
    for variant, made in CONFIGS.items():
        weights = made["flow"]["weights"]
        if not is_made(weights) and not is_there(weights):
            for sequence in SEQUENCES:
                yield "flow.weights", weights, variant, sequence, "flow_0"


# Snakemake says that nothing is to be done where an input is missing and all outputs are there.
if STORAGE:
    if config["allow_missing"]:
        without_storage(
            "allow_missing", "leave it out: --keep-going finishes the others"
        )
    refuse_elsewhere("results", FOLDER)
    for variant in CONFIGS.values():
        refuse_elsewhere("flow.weights", variant["flow"]["weights"])
    for sequence in SEQUENCES:
        for key, path, _ in named_by(sequence):
            refuse_elsewhere(f"sequences.{sequence}.{key}", path)
    for path in named_downloads(None):
        if path.endswith(FOLDER_MANIFEST):
            without_storage(
                f"a folder of a download, {path},",
                "put its files there, and name those",
            )
else:
    for key, path, variant, sequence, stage in leading_nowhere():
        folder = RESULTS.format(sequence=in_variant(variant, sequence))
        try:
            refuse_replacement(key, path, f"{folder}/{stage}.h5")
        except InputError as error:
            raise WorkflowError(error)
