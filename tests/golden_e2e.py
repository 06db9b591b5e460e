"""The whole two-cycle run of the reference, from files in the authors' formats."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from golden_compare import (
    CPU,
    EPE_RELATIVE,
    EXACT,
    FIRST,
    FLOW_PX,
    GREY_LEVELS,
    POSE_M_OTHER_STOP,
    PROJECTION_PX,
    RAFT_PX,
    STEP,
    Row,
    absolute,
    compare_refined,
    epe_sums,
    mpjpe,
    relative,
    subsampled,
    targets,
)
from video_files import decode

from flowpose.adaptation.finetuning import FlowOptions, finetune
from flowpose.pose.assembly import assemble_estimates
from flowpose.pose.pose_file import Pose
from flowpose.raft.checkpoint import load_raft
from flowpose.raft.inference import estimate_flows
from flowpose.readers import dcpose, metro
from flowpose.refinement.refine import PoseOptions, RefinedPose, refine_pose
from flowpose.storage.safe_pickle import read_pickled
from flowpose.video.decoding import jpeg_round_trip
from flowpose.video.selection import used_frames

UPDATES = 20
# Human3.6M's camera 60457274 in VideoPose3D's order.
CAMERA = 3
# The golden names of each cycle's flows: with BatchNorm in training, and finetuned.
CYCLES = (
    ("flow0/infer2_mode1", "flow0/infer3_mode0"),
    ("flow1/infer1_mode1", "flow1/infer2_mode0"),
)


def check_e2e(path: Path, weights: Path, device: torch.device = CPU) -> Iterator[Row]:
    """The whole method on every sequence of a case."""
    case = np.load(path, allow_pickle=False)
    workspace = path.with_name(path.stem.replace("e2e", "ws"))
    names = {tuple(key.split("/")[:2]) for key in case if key.count("/") > 1}
    for subject, video in sorted(names):
        yield from Run(case, workspace, subject, video, weights, device).check()


class Run:
    """Our run on a sequence, beside the reference's."""

    def __init__(
        self,
        case: Mapping,
        workspace: Path,
        subject: str,
        video: str,
        weights: Path,
        device: torch.device,
    ) -> None:
        self._case = case
        self._prefix = f"{subject}/{video}/"
        self._weights, self._device = weights, device
        h36m = workspace / "data" / "h36m"
        estimates = workspace / "metro_estimates_h36m" / subject / f"{video}_results.npz"
        # Decoders differ by build, so the flow stages get the reference's own frames.
        self._frames = self._golden("frames_jpg")
        n = len(self._frames)
        detections = workspace / "dcpose_estimates_h36m" / subject / f"result_{video}.json"
        video_file = h36m / subject / "Videos" / f"{video}.mp4"
        header, pictures = decode(video_file, used_frames(FIRST, STEP, n))
        self._metro, self._keypoints = assemble_estimates(
            metro.read_joints(estimates),
            dcpose.read_detections(detections),
            header,
        )
        labels = read_pickled(h36m / "data_2d_h36m_gt.npz", "positions_2d")[subject]
        self._labels = subsampled(labels[video.rpartition(".")[0]][CAMERA], n)
        truth = read_pickled(workspace / "data" / "data_3d_h36m.npz", "positions_3d")[subject]
        self._truth = truth[video]
        # As the reference extracts them.
        self._decoded = np.stack([jpeg_round_trip(picture) for picture in pictures])

    def check(self) -> Iterator[Row]:
        """Two cycles of flow with a refinement of the pose between them."""
        joints_orig = self._golden("joints_orig")[:, 0]
        yield self._row("frames (grey levels)", self._decoded, self._frames, GREY_LEVELS)
        yield self._row("joints_orig", self._metro.project(), joints_orig, PROJECTION_PX)
        model = load_raft(self._weights, "raft_large").to(self._device)
        flow = self._flows(model)
        yield from self._compare_flow("flow0/infer1_mode0", flow, RAFT_PX)
        yield self._compare_epe(0, flow)
        yield from self._cycle(0, model, self._metro)
        flow = self._flows(model)
        refined = self._refine(flow)
        names = ("pose1/loss", "pose1/X_optim", "pose1/camera_optim")
        golden = (self._golden(name) for name in names)
        yield from compare_refined(refined, *golden, f"{self._prefix}pose1/")
        yield from self._cycle(1, model, refined.pose)
        yield from self._compare_poses(refined.pose)

    def _cycle(self, cycle: int, model, pose: Pose) -> Iterator[Row]:
        """A finetuning, and the flow before and after it."""
        trained, finetuned = CYCLES[cycle]
        base = self._flows(model, batch_norm_batch=True)
        yield from self._compare_flow(trained, base, FLOW_PX[1] if cycle else RAFT_PX)
        wanted = targets(base, pose.project())
        golden_loss = self._golden(f"flow{cycle}/loss")
        options = FlowOptions(updates=UPDATES, passes=len(golden_loss))
        loss = finetune(model, self._frames, wanted, options=options, reference=True)
        tolerance = FLOW_PX[cycle + 1]
        yield relative(f"{self._prefix}flow{cycle}/loss", loss, golden_loss, tolerance)
        flow = self._flows(model)
        yield from self._compare_flow(finetuned, flow, tolerance)
        yield self._compare_epe(cycle + 1, flow)

    def _flows(self, model, batch_norm_batch: bool = False) -> np.ndarray:
        flows = estimate_flows(
            model, self._frames, updates=UPDATES, batch_norm_batch=batch_norm_batch
        )
        return np.stack(list(flows))

    def _refine(self, flow: np.ndarray) -> RefinedPose:
        return refine_pose(
            self._metro,
            self._keypoints.joints_2d,
            self._keypoints.weights(0),
            flow,
            options=PoseOptions(steps=int(self._case["pose_steps"])),
            reference=True,
        )

    def _golden(self, name: str) -> np.ndarray:
        return self._case[self._prefix + name]

    def _row(self, name: str, ours, theirs, tolerance: float) -> Row:
        return absolute(self._prefix + name, ours, theirs, tolerance)

    def _compare_flow(self, name: str, flow: np.ndarray, tolerance: float) -> Iterator[Row]:
        """Flow at the pixels that the case has, and the target drawn on the reference's flow."""
        theirs = self._golden(name)
        stride = int(self._case["flow_stride"]) if "flow_stride" in self._case else 1
        yield self._row(f"{name} (px)", flow[:, ::stride, ::stride], theirs, tolerance)
        target = f"{name.partition('/')[0]}/target"
        if name in (trained for trained, _ in CYCLES) and self._prefix + target in self._case:
            pose = "pose0" if name.startswith("flow0") else "pose1"
            ours = targets(theirs, self._golden(f"{pose}/joints_optim")[:, 0])
            yield self._row(target, ours, self._golden(target)[: len(ours)], EXACT)

    def _compare_epe(self, cycle: int, flow: np.ndarray) -> Row:
        name = f"epe_sum_cycle{cycle}"
        ours = sum(epe_sums(flow, self._labels))
        return relative(self._prefix + name, ours, self._golden(name), EPE_RELATIVE)

    def _compare_poses(self, pose: Pose) -> Iterator[Row]:
        """MPJPE of our pose, and, to the last digit, of the reference's own poses."""
        for which, name, joints, tolerance in (
            ("mpjpe_optim", "mpjpe_optim", pose.joints_3d, 1000 * POSE_M_OTHER_STOP),
            ("mpjpe of X_optim", "mpjpe_optim", self._golden("pose1/X_optim")[:, 0], EXACT),
            ("mpjpe_orig", "mpjpe_orig", self._metro.joints_3d, EXACT),
        ):
            ours = mpjpe(joints, self._truth)
            yield self._row(f"{which} (mm)", ours, self._golden(name), tolerance)
