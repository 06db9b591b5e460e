from itertools import product

from given_inputs import refuse_replacement


def given_paths(sequence):
    """All that the config names for a sequence: key, path, and a file that is made from it."""
    folder = RESULTS.format(sequence=sequence)
    item, weights = item_of(sequence), config_of(sequence)["flow"]["weights"]
    name = sequence.rpartition("/")[2]
    yield f"sequences.{name}.video", item["video"], f"{folder}/frames.h5"
    yield "flow.weights", weights, f"{folder}/flow_0.h5"
    for part in parts_of(sequence):
        given, found = part_of(sequence, part)
        stage = "pose_0" if part == "pose" else part
        key = part if part in item else f"estimates.{part}"
        for path in found.paths(given, "file") + found.paths(given, "folder"):
            yield f"sequences.{name}.{key}", path, f"{folder}/{stage}.h5"


# Snakemake says that nothing is to be done where an input is missing and all outputs are there.
for variant, sequence in product(CONFIGS, SEQUENCES):
    for key, path, output in given_paths(in_variant(variant, sequence)):
        if STORAGE:
            refuse_elsewhere(key, path)
        elif not is_made(path):
            try:
                refuse_replacement(key, path, output)
            except InputError as error:
                raise WorkflowError(error)

if STORAGE:
    refuse_elsewhere("results", FOLDER)
for path in named_downloads():
    if path.endswith(FOLDER_MANIFEST):
        without_storage(
            f"a folder of a download, {path},", "put its files there, and name those"
        )
