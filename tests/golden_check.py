"""Compare flowpose in reference mode with numbers of the reference itself.

    python tests/golden_check.py DIR [--weights FILE]

DIR holds cases in the layout that tests/golden/README.md describes. Prints a line a quantity and
exits 1 if one is out of tolerance or there is no case.
"""

import argparse
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow" / "scripts"))

from flowpose.camera import Crop
from flowpose.dcpose import read_dcpose
from flowpose.finetune import FlowOptions, finetune
from flowpose.keypoints import Keypoints
from flowpose.metrics import joint_errors, reference_end_point_error
from flowpose.metro import read_metro
from flowpose.pickles import read_pickled
from flowpose.pose import Pose
from flowpose.raft import estimate_flows, load_raft, torchvision_key
from flowpose.refine import PoseEnergy, PoseOptions, PoseWeights, bone_lengths, refine_pose
from flowpose.sampling import sample_flow_reference
from flowpose.skeletons import DCPOSE_17, H36M_32, METRO_14, convert
from flowpose.target import draw_target, skeleton_points
from flowpose.video import jpeg_round_trip, probe, read_frames, used_frames

EXACT = 1e-9
PROJECTION_PX = 3e-5
RAFT_PX = 1e-5
FLOW_PX = {1: 2e-3, 2: 1.5e-2}
EPE_RELATIVE = 3e-5
EARLY_STEPS = 60
LOSS_EARLY, LOSS_LATE = 1e-6, 3e-5
POSE_M, POSE_M_OTHER_STOP, STOP_APART = 1e-5, 3e-4, 12
BONE_M = 1e-6
GREY_LEVELS = 2
GRADIENT_RELATIVE = 1e-3
STATISTICS = 1e-6
CAMERA, STEP, FIRST = 3, 5, 1
PELVIS = 11


@dataclass(frozen=True)
class Row:
    """A quantity compared: its largest difference and what is allowed."""

    name: str
    difference: float
    tolerance: float

    @property
    def ok(self) -> bool:
        return self.difference <= self.tolerance

    def __str__(self) -> str:
        verdict = "ok" if self.ok else "FAIL"
        return f"{self.name:52} {self.difference:9.2e} {self.tolerance:9.2e}  {verdict}"


def absolute(name: str, ours: np.ndarray, theirs: np.ndarray, tolerance: float) -> Row:
    ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    if ours.shape != theirs.shape:
        return Row(f"{name} shape {ours.shape} for {theirs.shape}", np.inf, tolerance)
    difference = np.abs(ours - theirs).max(initial=0.0)
    return Row(name, np.inf if np.isnan(difference) else float(difference), tolerance)


def relative(name: str, ours: np.ndarray, theirs: np.ndarray, tolerance: float) -> Row:
    scale = np.abs(np.asarray(theirs, np.float64))
    scale = np.where(scale == 0, 1, scale)
    return absolute(name, np.asarray(ours) / scale, np.asarray(theirs) / scale, tolerance)


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
    lengths = bone_lengths(torch.as_tensor(pose.joints_3d))
    yield absolute("bone_length", lengths, case["bone_length"], BONE_M)
    sampled = sample_flow_reference(torch.as_tensor(flow), torch.as_tensor(pixels[:-1]))
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
    pose, keypoints, flow = case.pose, case.keypoints, torch.as_tensor(case["flow"])
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
    terms = energy.terms(*tensors(point))
    columns = {"camera": 0, "temporal": 2, "bones": 3, "flow": 4, "keypoints": 5, "prior": 6}
    for name, column in columns.items():
        ours = terms[name].numpy()
        theirs = golden[len(golden) - len(ours) :, column]
        scale = np.abs(theirs).max() or 1.0
        yield absolute(f"term {name} at step {step}", ours / scale, theirs / scale, LOSS_EARLY)


def gradient(energy, point) -> tuple[np.ndarray, np.ndarray]:
    variables = [value.requires_grad_() for value in tensors(point)]
    energy(*variables).backward()
    return variables[0].grad.numpy(), variables[1].grad.numpy()


def tensors(point) -> tuple[torch.Tensor, torch.Tensor]:
    joints, camera = (torch.as_tensor(np.ascontiguousarray(values)) for values in point)
    return joints.reshape(-1, 14, 3), camera.reshape(-1, 3)


def compare_refined(refined, loss, joints, camera, prefix: str = "") -> Iterator[Row]:
    """Loss curve and result of a refinement, allowing it to stop some steps apart."""
    n = min(len(refined.loss), len(loss))
    apart = abs(len(refined.loss) - len(loss))
    early = slice(0, min(n, EARLY_STEPS))
    yield Row(f"{prefix}steps to the stop, apart", apart, STOP_APART)
    yield relative(
        f"{prefix}loss, first {EARLY_STEPS} steps",
        refined.loss[early],
        loss[early],
        LOSS_EARLY if not prefix else LOSS_LATE,
    )
    yield relative(f"{prefix}loss", refined.loss[:n], loss[:n], LOSS_LATE)
    tolerance = POSE_M if not apart else POSE_M_OTHER_STOP
    yield absolute(f"{prefix}X_optim (m)", refined.pose.joints_3d, joints[:, 0], tolerance)
    yield absolute(f"{prefix}camera_optim", refined.pose.camera, camera.reshape(-1, 3), tolerance)


def check_raft_step(case: Case, weights: Path) -> Iterator[Row]:
    """RAFT's inference, and one training step."""
    frames = [case["image1"], case["image2"]]
    model = load_raft(weights, "raft_large")
    for updates in (n for n in (1, 5, 20) if f"eval_up_{n}" in case):
        flow = next(estimate_flows(model, frames, updates=updates))
        yield absolute(f"eval_up_{updates} (px)", flow, case[f"eval_up_{updates}"], RAFT_PX)
    trained = next(
        estimate_flows(load_raft(weights, "raft_large"), frames, updates=20, batch_norm_batch=True)
    )
    yield absolute("train_up_20 (px)", trained, case["train_up_20"], RAFT_PX)
    loss = finetune(
        model, frames, lambda t: case["target"], options=FlowOptions(passes=1), reference=True
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
            difference = np.linalg.norm(parameters[ours].grad.numpy() - case[key])
            yield Row(key, float(difference / np.linalg.norm(case[key])), GRADIENT_RELATIVE)
        elif kind == "bn_after":
            yield absolute(key, state[ours].numpy(), case[key], STATISTICS)


def check_e2e(path: Path, weights: Path) -> Iterator[Row]:
    """The whole method on every sequence of a case, from the authors' file formats."""
    case = np.load(path, allow_pickle=False)
    workspace = path.with_name(path.stem.replace("e2e", "ws"))
    for subject, video in sequences_of(case):
        yield from check_sequence(case, f"{subject}/{video}/", workspace, subject, video, weights)


def sequences_of(case: Mapping) -> list[tuple[str, str]]:
    return sorted({tuple(key.split("/")[:2]) for key in case if key.count("/") > 1})


def check_sequence(case, prefix, workspace, subject, video, weights) -> Iterator[Row]:
    """Two cycles of flow with a refinement of the pose between them."""

    def golden(name: str) -> np.ndarray:
        return case[prefix + name]

    metro = read_metro(workspace / "metro_estimates_h36m" / subject / f"{video}_results.npz")
    n = len(metro.joints_3d)
    keypoints = read_dcpose(
        workspace / "dcpose_estimates_h36m" / subject / f"result_{video}.json", n
    )
    h36m = workspace / "data" / "h36m"
    action = video.rpartition(".")[0]
    labels = read_pickled(h36m / "data_2d_h36m_gt.npz", "positions_2d")[subject][action][CAMERA]
    truth = read_pickled(workspace / "data" / "data_3d_h36m.npz", "positions_3d")[subject][video]
    labels = subsampled(labels, n)

    def flow_rows(name: str, flow: np.ndarray, tolerance: float) -> Row:
        stride = int(case["flow_stride"]) if "flow_stride" in case else 1
        theirs = golden(name)
        ours = flow[: len(theirs)] if stride == 1 else flow[:, ::stride, ::stride]
        return absolute(f"{prefix}{name} (px)", ours, theirs, tolerance)

    def epe_row(cycle: int, flow: np.ndarray) -> Row:
        name = f"epe_sum_cycle{cycle}"
        return relative(prefix + name, sum(epe_sums(flow, labels)), golden(name), EPE_RELATIVE)

    frames = golden("frames_jpg")
    yield absolute(
        f"{prefix}frames (grey levels)",
        decoded(h36m / subject / "Videos" / f"{video}.mp4", n),
        frames,
        GREY_LEVELS,
    )
    yield absolute(
        f"{prefix}joints_orig", metro.project(), golden("joints_orig")[:, 0], PROJECTION_PX
    )

    model = load_raft(weights, "raft_large")
    updates, passes = 20, len(golden("flow0/loss"))
    flow = np.stack(list(estimate_flows(model, frames, updates=updates)))
    yield flow_rows("flow0/infer1_mode0", flow, RAFT_PX)
    yield epe_row(0, flow)
    pose = metro
    for cycle, (trained, evaluated) in enumerate(
        (("flow0/infer2_mode1", "flow0/infer3_mode0"), ("flow1/infer1_mode1", "flow1/infer2_mode0"))
    ):
        base = np.stack(list(estimate_flows(model, frames, updates=updates, batch_norm_batch=True)))
        yield flow_rows(trained, base, RAFT_PX if cycle == 0 else FLOW_PX[cycle])
        wanted = targets(base, pose.project())
        loss = finetune(
            model,
            frames,
            lambda t, wanted=wanted: wanted[t],
            options=FlowOptions(updates=updates, passes=passes),
            reference=True,
        )
        yield relative(
            f"{prefix}flow{cycle}/loss", loss, golden(f"flow{cycle}/loss"), FLOW_PX[cycle + 1]
        )
        flow = np.stack(list(estimate_flows(model, frames, updates=updates)))
        yield flow_rows(evaluated, flow, FLOW_PX[cycle + 1])
        yield epe_row(cycle + 1, flow)
        if cycle == 0:
            refined = refine_pose(
                metro,
                keypoints.joints_2d,
                keypoints.weights(0),
                torch.as_tensor(flow),
                options=PoseOptions(steps=int(case["pose_steps"])),
                reference=True,
            )
            pose = refined.pose
            yield from compare_refined(
                refined,
                golden("pose1/loss"),
                golden("pose1/X_optim"),
                golden("pose1/camera_optim"),
                f"{prefix}pose1/",
            )
    for which, joints, tolerance in (
        ("optim", pose.joints_3d, 1000 * POSE_M_OTHER_STOP),
        ("optim of X_optim", golden("pose1/X_optim")[:, 0], EXACT),
        ("orig", metro.joints_3d, EXACT),
    ):
        name = f"mpjpe_{which.split()[0]}"
        yield absolute(f"{prefix}mpjpe_{which} (mm)", mpjpe(joints, truth), golden(name), tolerance)


def decoded(video: Path, n: int) -> np.ndarray:
    """The frames as the reference extracts them."""
    info = probe(video)
    index = used_frames(info.n_frames, FIRST, STEP, n)
    return np.stack([jpeg_round_trip(frame) for frame in read_frames(video, index, info.n_frames)])


def targets(flow: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    return np.stack(
        [
            draw_target(flow[t], pixels[t], pixels[t + 1], radius=15, reference=True)
            for t in range(len(flow))
        ]
    )


def subsampled(labels: np.ndarray, n: int) -> np.ndarray:
    """Labels of the frames used, zero beyond their end as in the reference (SPEC B15)."""
    used = labels[FIRST::STEP][:n].astype(np.float64)
    return np.concatenate([used, np.zeros((n - len(used), *used.shape[1:]))])


def epe_sums(flow: np.ndarray, labels: np.ndarray) -> list[float]:
    return [
        reference_end_point_error(flow[t], labels[t], labels[t + 1], reference=True)
        for t in range(len(flow))
    ]


def mpjpe(joints: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Error of each frame that has a label and a pose, mm."""
    # In float32, as in the reference, labels metres from the camera would lose digits otherwise.
    truth = truth - truth[:, PELVIS, None]
    labels = convert(truth, H36M_32, METRO_14)[FIRST::STEP][: len(joints)]
    joints = joints[: len(labels)]
    present = labels.any((1, 2)) & joints.any((1, 2))
    return joint_errors(joints, labels)[present].mean(1)


def check_all(folder: Path, weights: Path | None) -> Iterator[Row]:
    """Every check for which the folder holds a case."""
    weights = weights or folder / "raft-random.pth"
    checks = {
        "unit_*.npz": lambda path: check_unit(Case(path)),
        "pose_*.npz": lambda path: check_pose(Case(path)),
        "raft_step_*.npz": lambda path: check_raft_step(Case(path), weights),
        "e2e_*.npz": lambda path: check_e2e(path, weights),
    }
    if (folder / "adv.npz").is_file():
        print("adv.npz: of a layout that is not known here, not compared")
    for pattern, check in checks.items():
        for path in sorted(folder.glob(pattern)):
            for row in check(path):
                yield Row(f"{path.stem} {row.name}", row.difference, row.tolerance)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="RAFT, if DIR has none")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{'quantity':52} {'largest':>9} {'allowed':>9}")
    rows = []
    for row in check_all(arguments.folder, arguments.weights):
        rows.append(row)
        print(row, flush=True)
    failed = sum(not row.ok for row in rows)
    print(
        f"{len(rows)} quantities compared, {failed} out of tolerance" if rows else "no case found"
    )
    return 1 if failed or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
