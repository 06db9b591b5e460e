"""Compare flowpose in reference mode with numbers of the reference itself.

    python tests/golden_check.py DIR [--weights FILE] [--device cuda]

DIR holds cases in the layout that tests/golden/README.md describes. Prints a line a quantity and
exits 1 if one is out of tolerance or there is no case.
"""

import argparse
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow" / "scripts"))

from golden_compare import (
    BONE_M,
    CPU,
    CUDA_FACTOR,
    EXACT,
    FLOW_PX,
    GRADIENT_RELATIVE,
    LOSS_EARLY,
    PROJECTION_PX,
    RAFT_PX,
    STATISTICS,
    Row,
    absolute,
    compare_refined,
    epe_sums,
    mpjpe,
    relative,
    subsampled,
    targets,
)
from golden_e2e import check_e2e
from golden_labels import check_labels

from flowpose.adaptation.finetuning import FlowOptions, finetune
from flowpose.adaptation.target import skeleton_points
from flowpose.errors import FlowposeError
from flowpose.flow.patches import FlowPatches
from flowpose.flow.sampling import sample_flow_reference
from flowpose.pose.keypoint_file import Keypoints
from flowpose.pose.pose_file import Pose
from flowpose.pose.skeletons import METRO_14, convert
from flowpose.pose.weak_perspective import Crop
from flowpose.raft.checkpoint import load_raft, torchvision_key
from flowpose.raft.inference import estimate_flows
from flowpose.readers.dcpose import DCPOSE_17
from flowpose.refinement.energy import PoseEnergy, PoseWeights
from flowpose.refinement.gradient import energy_gradient
from flowpose.refinement.refine import PoseOptions, refine_pose
from flowpose.refinement.variables import bone_lengths, bone_vectors, unpack
from flowpose.runtime.devices import prepare


class Case(Mapping):
    """Arrays of a case; those that several files share may stand in inputs_<seed>.npz alone."""

    def __init__(self, path: Path) -> None:
        self.name = path.stem
        seed = next((part for part in path.stem.split("_") if re.fullmatch(r"s\d+", part)), "s0")
        shared = path.with_name(f"inputs_{seed}.npz")
        self._own = np.load(path, allow_pickle=False)
        self._shared = np.load(shared, allow_pickle=False) if shared.is_file() else {}

    def __getitem__(self, key: str) -> np.ndarray:
        return self._own[key] if key in self._own else self._shared[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._own)

    def __len__(self) -> int:
        return len(self._own)

    @property
    def pose(self) -> Pose:
        crop = Crop(self["scale"], self["start_pt"].astype(np.float64), int(self["img_size"]))
        return Pose(self["X"], self["cam"], crop)

    @property
    def keypoints(self) -> Keypoints:
        pixels = self["kp17"][..., :2]
        detected = (np.nan_to_num(convert(pixels, DCPOSE_17, METRO_14)) != 0).any(-1)
        return Keypoints(convert(pixels, DCPOSE_17, METRO_14), detected.astype(np.float64))


def check_unit(case: Case) -> Iterator[Row]:
    """The building blocks one by one."""
    flow, pose, pixels = case["flow"], case.pose, case["project"][:, 0]
    yield absolute("project", pose.project(), pixels, PROJECTION_PX)
    lengths = bone_lengths(bone_vectors(pose.joints_3d))
    yield absolute("bone_length", lengths, case["bone_length"], BONE_M)
    sampled = sample_flow_reference(FlowPatches(flow, pixels[:-1]), pixels[:-1])
    yield absolute("flow_lookup", sampled, case["flow_lookup"], EXACT)
    keypoints = case.keypoints
    yield absolute("x_det", np.nan_to_num(keypoints.joints_2d), case["x_det"][:, 0], EXACT)
    yield absolute("confidence", keypoints.weights(0), case["confidence"][:, 0, :, 0], EXACT)
    yield absolute("skel", skeleton_points(pixels, reference=True), case["skel"][:, 0], EXACT)
    target = case["target"][: len(flow)]
    yield absolute("target", targets(flow, pixels)[: len(target)], target, EXACT)
    labels = subsampled(case["gt2d_allframes"], len(pixels))
    ours = sum(epe_sums(flow, labels))
    for cycle in range(3):
        yield relative(f"epe_sum_cycle{cycle}", ours, case[f"epe_sum_cycle{cycle}"], EXACT)
    truth = case["gt3d_cam_allframes"]
    for which, joints in (("optim", case["X_optim"]), ("orig", case["X"])):
        yield absolute(f"mpjpe_{which}", mpjpe(joints, truth), case[f"mpjpe_{which}"], EXACT)


def check_pose(case: Case) -> Iterator[Row]:
    """The pose refinement, step by step."""
    pose, keypoints, flow = case.pose, case.keypoints, case["flow"]
    weights = keypoints.weights(0)
    yield absolute("joints_orig", pose.project(), case["joints_orig"][:, 0], PROJECTION_PX)
    energy = PoseEnergy(
        pose, keypoints.joints_2d, weights, flow, weights=PoseWeights(), reference=True
    )
    trace = dict(
        zip(case["trace_steps"], zip(case["trace_X"], case["trace_cam"], strict=True), strict=True)
    )
    for step in (int(key.removeprefix("terms_")) for key in case if key.startswith("terms_")):
        if step in trace:
            yield from check_terms(energy, trace[step], case[f"terms_{step}"], step)
    for i, step in enumerate(case["grad_steps"]):
        if step in trace:
            gradients = gradient(energy, trace[step])
            for name, ours in zip(("grad_X", "grad_cam"), gradients, strict=True):
                theirs = case[name][i].reshape(ours.shape)
                norm = np.linalg.norm(theirs) or 1.0
                difference = float(np.linalg.norm(ours - theirs) / norm)
                yield Row(f"{name} at step {step}, relative", difference, GRADIENT_RELATIVE)
    options = PoseOptions(steps=int(case["pose_steps"]))
    refined = refine_pose(pose, keypoints.joints_2d, weights, flow, options=options, reference=True)
    yield from compare_refined(refined, case["loss"], case["X_optim"], case["camera_optim"])
    stopped_alike = len(refined.loss) == len(case["loss"])
    tolerance = 1e-2 if stopped_alike else 0.5
    yield absolute(
        "joints_optim (px)", refined.pose.project(), case["joints_optim"][:, 0], tolerance
    )


def check_terms(energy, point, golden: np.ndarray, step: int) -> Iterator[Row]:
    """Every unweighted term of every frame; those between frames start at the second."""
    terms = energy.terms(energy.state(variables(point)))
    columns = {"camera": 0, "temporal": 2, "bones": 3, "flow": 4, "keypoints": 5, "prior": 6}
    for name, column in columns.items():
        ours = terms[name]
        theirs = golden[len(golden) - len(ours) :, column]
        scale = np.abs(theirs).max() or 1.0
        yield absolute(f"term {name} at step {step}", ours / scale, theirs / scale, LOSS_EARLY)


def gradient(energy, point) -> tuple[np.ndarray, np.ndarray]:
    return unpack(energy_gradient(energy, energy.state(variables(point))))


def variables(point) -> np.ndarray:
    joints, camera = point
    return np.concatenate([joints.reshape(-1, 42), camera.reshape(-1, 3)], axis=1)


def check_raft_step(case: Case, weights: Path, device: torch.device = CPU) -> Iterator[Row]:
    """RAFT's inference, and one training step."""
    frames = [case["image1"], case["image2"]]
    model = load_raft(weights, "raft_large").to(device)
    for updates in (n for n in (1, 5, 20) if f"eval_up_{n}" in case):
        flow = next(estimate_flows(model, frames, updates=updates))
        yield absolute(f"eval_up_{updates} (px)", flow, case[f"eval_up_{updates}"], RAFT_PX)
    other = load_raft(weights, "raft_large").to(device)
    trained = next(estimate_flows(other, frames, updates=20, batch_norm_batch=True))
    yield absolute("train_up_20 (px)", trained, case["train_up_20"], RAFT_PX)
    loss = finetune(
        model, frames, case["target"][None], options=FlowOptions(passes=1), reference=True
    )
    yield relative("loss", loss[0, 0], case["loss"], LOSS_EARLY)
    yield from compare_parameters(model, case)
    stepped = next(estimate_flows(model, frames, updates=20))
    yield absolute("eval_up_20_after_step (px)", stepped, case["eval_up_20_after_step"], FLOW_PX[1])


def compare_parameters(model, case: Case) -> Iterator[Row]:
    """Gradients and BatchNorm statistics of the step; its effect is compared by the flow."""
    parameters, state = dict(model.named_parameters()), model.state_dict()
    largest = max(float(case[key]) for key in case if key.startswith("gradnorm/"))
    for key in case:
        kind, _, name = key.partition("/")
        ours = torchvision_key(name) if name else None
        if ours is None:
            continue
        if kind == "gradnorm" and float(case[key]) > 1e-6 * largest:
            norm = parameters[ours].grad.double().norm()
            yield relative(key, float(norm), case[key], GRADIENT_RELATIVE)
        elif kind == "grad" and np.linalg.norm(case[key]) > 1e-6 * largest:
            difference = np.linalg.norm(parameters[ours].grad.cpu().numpy() - case[key])
            yield Row(key, float(difference / np.linalg.norm(case[key])), GRADIENT_RELATIVE)
        elif kind == "bn_after":
            yield absolute(key, state[ours].cpu().numpy(), case[key], STATISTICS)


def check_all(folder: Path, weights: Path | None, device: torch.device = CPU) -> Iterator[Row]:
    """Every check for which the folder holds a case; on a GPU only those of RAFT."""
    own = folder / "raft-random.pth"
    weights = own if own.is_file() or weights is None else weights
    checks = {
        "raft_step_*.npz": lambda path: check_raft_step(Case(path), weights, device),
        "e2e_*.npz": lambda path: check_e2e(path, weights, device),
    }
    factor = CUDA_FACTOR
    if device.type == "cpu":
        factor = 1
        checks |= {
            "unit_*.npz": lambda path: check_unit(Case(path)),
            "pose_*.npz": lambda path: check_pose(Case(path)),
            "vp3d.npz": check_labels,
        }
    if (folder / "adv.npz").is_file():
        print("adv.npz: of a layout that is not known here, not compared")
    for pattern, check in checks.items():
        for path in sorted(folder.glob(pattern)):
            for row in check(path):
                yield Row(f"{path.stem} {row.name}", row.difference, factor * row.tolerance)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="RAFT, if DIR has none")
    parser.add_argument("--device", type=torch.device, default="cpu", help="of RAFT: cpu or cuda")
    arguments = parser.parse_args()
    prepare(threads=1)
    print(f"{'quantity':52} {'largest':>9} {'allowed':>9}")
    rows = []
    try:
        for row in check_all(arguments.folder, arguments.weights, arguments.device):
            rows.append(row)
            print(row, flush=True)
    except FlowposeError as error:
        print(error)
        return 1
    failed = sum(not row.ok for row in rows)
    print(
        f"{len(rows)} quantities compared, {failed} out of tolerance" if rows else "no case found"
    )
    return 1 if failed or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
