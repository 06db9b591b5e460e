"""Time flowpose beside the reference's way of computing; writes and prints results/bench.csv.

Each ratio is measured in turns (A B A B ...) in one process, so that a machine whose speed drifts
does not favour either; medians are reported.
"""

import argparse
import itertools
import os
import sys
from collections.abc import Iterator
from pathlib import Path

# As Snakemake has it for a job of one thread; read when NumPy is imported.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import cv2
import numpy as np
import pandas as pd
import torch

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from bench_files import file_rows  # noqa: E402
from bench_flow import flow_rows  # noqa: E402
from bench_paper_size import paper_size_rows  # noqa: E402
from bench_workflow import workflow_rows  # noqa: E402
from measure import in_turns, row  # noqa: E402
from reference_pose import refine_frame_by_frame  # noqa: E402

from flowpose.pose.pose_file import Pose  # noqa: E402
from flowpose.pose.weak_perspective import Crop  # noqa: E402
from flowpose.refinement.energy import PoseEnergy, PoseWeights  # noqa: E402
from flowpose.refinement.gauss_newton import minimise  # noqa: E402
from flowpose.refinement.refine import PoseOptions, refine_pose  # noqa: E402

LENGTHS = (50, 200, 500, 1000)
SIDE = 256
OUR_STEPS, THEIR_STEPS = 100, 2
PAPER_STEPS = 1500


Inputs = tuple[Pose, np.ndarray, np.ndarray, np.ndarray]


def moving_person(n_frames: int) -> Inputs:
    """A person whose joints swing, estimated to 2 cm, detected to 2 px, in flow that knows better.

    Flow is that of the joints where they are, fades away from them, and errs by a smooth 1 px.
    """
    rng = np.random.default_rng(0)
    t = np.arange(n_frames)[:, None, None]
    speed, phase = rng.uniform(0.05, 0.3, (14, 3)), rng.uniform(0, 2 * np.pi, (14, 3))
    true = rng.uniform(-0.5, 0.5, (14, 3)) + 0.08 * np.sin(speed * t + phase)
    crop = Crop.whole_image(n_frames, SIDE, SIDE)
    camera = np.tile([0.8, 0, 0], (n_frames, 1))
    pixels = Pose(true, camera, crop).project()
    flow = np.stack([flow_around(*pair, rng) for pair in itertools.pairwise(pixels)])
    pose = Pose(true + rng.normal(0, 0.02, true.shape), camera, crop)
    keypoints = pixels + rng.normal(0, 2, pixels.shape)
    return pose, keypoints, np.ones((n_frames, 14)), flow


def flow_around(points: np.ndarray, after: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    rows, columns = np.indices((SIDE, SIDE))
    squares = (columns[..., None] - points[:, 0]) ** 2 + (rows[..., None] - points[:, 1]) ** 2
    near = np.exp(-squares / (2 * 12**2))
    error = cv2.resize(rng.normal(0, 1, (9, 9, 2)), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    flow = near @ (after - points) / (near.sum(-1, keepdims=True) + 0.02) + error
    return flow.astype(np.float32)


def pose_step(inputs: Inputs) -> dict[str, object]:
    """A step of Adam on one core, beside the reference's."""
    options = PoseOptions(solver="adam", steps=OUR_STEPS, stop_patience=0)
    ours, theirs = in_turns(
        lambda: refine_pose(*inputs, options=options),
        lambda: refine_frame_by_frame(*inputs, THEIR_STEPS),
    )
    value, baseline = 1000 * ours / OUR_STEPS, 1000 * theirs / THEIR_STEPS
    return row(f"pose step, {len(inputs[1])} frames", value, "ms", baseline)


def pose_refinement(inputs: Inputs) -> Iterator[dict[str, object]]:
    """Gauss-Newton beside the paper's 1500 steps of our Adam: to Adam's loss, and to its end."""
    paper = PoseOptions(solver="adam", steps=PAPER_STEPS, stop_patience=0)
    goal = refine_pose(*inputs, options=paper).loss[-1]
    energy = PoseEnergy(*inputs, weights=PoseWeights(), dtype=np.float64)
    minimum = minimise(energy)
    enough = int(np.argmax(minimum.energy <= goal))
    assert minimum.energy[enough] <= goal, f"Gauss-Newton ends above Adam's {goal}"
    for name, steps in (("to Adam's loss", enough), ("to its end", len(minimum.energy) - 1)):
        ours, theirs = in_turns(
            lambda steps=steps: minimise(
                PoseEnergy(*inputs, weights=PoseWeights(), dtype=np.float64), steps=steps
            ),
            lambda: refine_pose(*inputs, options=paper),
        )
        label = f"Gauss-Newton {name} ({steps} steps), {len(inputs[1])} frames"
        yield row(label, ours, "s", theirs)


def all_rows(device: torch.device) -> Iterator[dict[str, object]]:
    torch.set_num_threads(1)
    for n_frames in LENGTHS:
        person = moving_person(n_frames)
        yield pose_step(person)
        yield from pose_refinement(person)
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    yield from flow_rows(device)
    yield from paper_size_rows(device)
    yield from file_rows()
    yield from workflow_rows()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", type=torch.device, default="cpu", help="of RAFT: cpu or cuda")
    rows = []
    for line in all_rows(parser.parse_args().device):
        print(" ".join(f"{v:.4g}" if isinstance(v, float) else str(v) for v in line.values()))
        rows.append(line)
    table = pd.DataFrame(rows)
    path = ROOT / "results" / "bench.csv"
    path.parent.mkdir(exist_ok=True)
    table.to_csv(path, index=False, float_format="%.4g")
    print(table.to_string(index=False, float_format="%.4g"))


if __name__ == "__main__":
    main()
