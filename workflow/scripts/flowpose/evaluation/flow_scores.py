"""How far a cycle's flow is from the true motion of the joints, pair by pair and joint by joint."""

from contextlib import nullcontext
from pathlib import Path

from flowpose.errors import check
from flowpose.evaluation.flow_metrics import FLOW_METRICS, compare_flow
from flowpose.evaluation.score_files import add_scores
from flowpose.flow.field_file import open_flows
from flowpose.flow.true_flow_file import open_true_flow
from flowpose.pose.truth_file import Truth
from flowpose.storage import stage_files
from flowpose.storage.provenance import Provenance


def write_flow_scores(
    path: Path | str,
    flows: Path | str,
    truth: Truth,
    true_flow: Path | str | None,
    provenance: Provenance,
    *,
    reference: bool,
) -> None:
    """Write flow_scores_k.h5: all metrics of a flow.

    Args:
        flows: flow_k.h5.
        true_flow: true_flow.h5; None: not known.
        reference: count the reference's end-point error as it does, borders included.

    Raises:
        InputError: there are not as many fields, or true ones, as pairs of frames in the truth.
    """
    joints = truth.joints_2d
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
        compared = compare_flow(fields, joints, true_fields, reference=reference)
        for metric in FLOW_METRICS:
            scores = metric.score(compared)
            add_scores(h5, metric.name, scores, truth.names_2d, first_axis="pair")
