from given_inputs import refuse_replacement


def given_paths(sequence):
    """All that the config names for a sequence: key, path, and a file that is made from it."""
    folder = RESULTS.format(sequence=sequence)
    video = SEQUENCES[sequence]["video"]
    yield f"sequences.{sequence}.video", video, f"{folder}/frames.h5"
    yield "flow.weights", FLOW_WEIGHTS, f"{folder}/flow_0.h5"
    for part in parts_of(sequence):
        given, found = part_of(sequence, part)
        stage = "pose_0" if part == "pose" else part
        key = part if part in SEQUENCES[sequence] else f"estimates.{part}"
        for path in found.paths(given, "file") + found.paths(given, "folder"):
            yield f"sequences.{sequence}.{key}", path, f"{folder}/{stage}.h5"


# Snakemake says that nothing is to be done where an input is missing and all outputs are there.
for sequence in SEQUENCES:
    for key, path, output in given_paths(sequence):
        if not is_made(path):
            try:
                refuse_replacement(key, path, output)
            except InputError as error:
                raise WorkflowError(error)
