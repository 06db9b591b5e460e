"""How far a cycle's flow is from the motion of true joints and of the pose, pair by pair."""

from contextlib import nullcontext
from pathlib import Path

import numpy as np

from flowpose.errors import check
from flowpose.evaluation.flow_metrics import FLOW_METRICS, compare_flow
from flowpose.evaluation.score_files import add_scores
from flowpose.flow.field_file import open_flows
from flowpose.flow.true_flow_file import open_true_flow
from flowpose.pose.pose_file import Pose
from flowpose.pose.skeletons import METRO_14
from flowpose.pose.truth_file import Truth
from flowpose.storage import stage_files
from flowpose.storage.provenance import Provenance


def write_flow_scores(
    path: Path | str,
    flows: Path | str,
    truth: Truth,
    pose: Pose,
    true_flow: Path | str | None,
    provenance: Provenance,
    *,
    reference: bool,
) -> None:
    """Write flow_scores_k.h5: all metrics of a flow.

    Args:
        flows: flow_k.h5.
        pose: that of the cycle. Frames in which it was not estimated count nowhere.
        true_flow: true_flow.h5; None: not known.
        reference: count the reference's end-point error as it does, borders included.

    Raises:
        InputError: there are not as many fields, or true ones, as pairs of frames in the truth,
            or the pose has another number of frames.
    """
    joints, projected = truth.joints_2d, pose.project().astype(np.float64)
    projected[list(pose.missing)] = np.nan
    with (
        open_flows(flows) as fields,
        open_true_flow(true_flow) if true_flow else nullcontext() as true_fields,
        stage_files.create(path, provenance) as h5,
    ):
        for name, of in ((flows, fields), (true_flow, true_fields)):
            check(
                of is None or len(of) == len(joints) - 1,
                name,
                f"{0 if of is None else len(of)} fields for {len(joints)} frames of the truth",
            )
        check(
            len(projected) == len(joints),
            path,
            f"a pose of {len(projected)} frames, {len(joints)} frames of the truth",
        )
        compared = compare_flow(fields, joints, projected, true_fields, reference=reference)
        for metric in FLOW_METRICS:
            names = METRO_14.joints if metric.at_pose else truth.names_2d
            add_scores(h5, metric.name, metric.score(compared), names, axes=("pair", "joint"))
