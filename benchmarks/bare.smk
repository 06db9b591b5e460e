# What Snakemake itself takes to plan: the rules, files and logs of so many videos of one's own, as plain
# patterns, with nothing of flowpose. `n` is the number of videos.
from itertools import product

SEQUENCES = [f"s{number}" for number in range(int(config["n"]))]
FOLDER = "results/bench/{sequence}"
CYCLES = range(3)


def before(file):
    """An input function: a file of the cycle before."""
    return lambda wildcards: file.format(
        sequence=wildcards.sequence, cycle=int(wildcards.cycle) - 1
    )


def weights_before(wildcards):
    """An input function: the weights of the cycle before, if it has some."""
    file = before(f"{FOLDER}/flow_{{cycle}}.pt")(wildcards)
    return [] if wildcards.cycle == "1" else file


VIDEO = "videos/{sequence}.mp4"
FRAMES, TRUTH, KEYPOINTS, LANDMARKS = (
    f"{FOLDER}/{stage}.h5" for stage in ("frames", "truth", "keypoints", "landmarks")
)
POSE, FLOW, FLOW_SCORES = (
    f"{FOLDER}/{stage}_{{cycle}}.h5" for stage in ("pose", "flow", "flow_scores")
)
FLOWS, POSES, ALL_FLOW_SCORES = (
    [file.replace("{cycle}", str(cycle)) for cycle in CYCLES]
    for file in (FLOW, POSE, FLOW_SCORES)
)
STAGES = {
    "frames": ([VIDEO], [FRAMES]),
    "landmarks": ([VIDEO, "environment.txt"], [LANDMARKS]),
    "truth": ([FRAMES], [TRUTH]),
    "estimates": ([LANDMARKS, FRAMES], [POSES[0], KEYPOINTS]),
    "flow_initial": ([TRUTH, KEYPOINTS, POSES[0], FRAMES, "raft.pth"], [FLOWS[0]]),
    "flow_finetuned": (
        [FRAMES, weights_before, before(FLOW), POSE],
        [FLOW, f"{FOLDER}/flow_{{cycle}}.pt"],
    ),
    "pose_refined": ([FRAMES, POSES[0], KEYPOINTS, before(FLOW)], [POSE]),
    "pose_scores": ([TRUTH, *POSES, KEYPOINTS], [f"{FOLDER}/pose_scores.h5"]),
    "flow_scores": ([TRUTH, POSE, FLOW], [FLOW_SCORES]),
    "moment": (
        [FRAMES, TRUTH, *(files[end] for files, end in product((ALL_FLOW_SCORES, FLOWS, POSES), (0, -1)))],
        [f"{FOLDER}/moment.h5"],
    ),
    "figure": (
        [f"{FOLDER}/moment.h5", f"{FOLDER}/pose_scores.h5", *ALL_FLOW_SCORES],
        [f"{FOLDER}/figure.png"],
    ),
}


wildcard_constraints:
    sequence=r"\w+",
    cycle=r"[1-9]\d*",


rule all:
    input:
        "results/table.csv",
        expand(f"{FOLDER}/figure.png", sequence=SEQUENCES),


rule environment:
    output:
        "environment.txt",
    script:
        "measure.py"


for stage, (inputs, outputs) in STAGES.items():

    rule:
        name:
            stage
        input:
            inputs,
        output:
            outputs,
        log:
            f"{FOLDER}/logs/{stage}{'_{cycle}' if '{cycle}' in outputs[0] else ''}.log",
        wildcard_constraints:
            cycle=r"\d+" if stage == "flow_scores" else r"[1-9]\d*",
        script:
            "measure.py"


rule table:
    input:
        expand(f"{FOLDER}/pose_scores.h5", sequence=SEQUENCES),
        expand(FLOW_SCORES, sequence=SEQUENCES, cycle=CYCLES),
    output:
        "results/bench/table.csv",
    script:
        "measure.py"


rule all_tables:
    input:
        "results/bench/table.csv",
    output:
        "results/table.csv",
    script:
        "measure.py"
