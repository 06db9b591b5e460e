"""What variants of the method are worth: their mean scores, and differences on the same frames."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float

from flowpose.errors import check
from flowpose.evaluation.intervals import interval
from flowpose.evaluation.metric import Metric, Scores
from flowpose.evaluation.sequence_scores import METRICS, ScoreFiles, read_sequence_scores

# Of poses and flow; the table of all sequences has the others. Those of the last line take no
# truth.
_MAIN = (
    *("mpjpe_mm", "pa_mpjpe_mm", "accel_mm", "pck_150_percent", "motion_px", "epe_px"),
    *("pose_detections_px", "bone_sd_mm", "pose_accel_m_s2", "pose_flow_px"),
)
MAIN_METRICS: tuple[Metric, ...] = tuple(metric for metric in METRICS if metric.name in _MAIN)
# What the columns of a metric end in: the mean or the difference, and the bounds of its interval.
MEAN = ("", "_low", "_high")
DIFFERENCE = ("_difference", "_difference_low", "_difference_high")


@dataclass(frozen=True)
class VariantScores:
    """A variant of the method, for a row of the table.

    Attributes:
        name: for people.
        compared_with: the name of another variant of the same frames; None: with none.
        cycle: whose pose and flow count.
        files: of each sequence the scores of its poses, and of the flow of that cycle.
    """

    name: str
    compared_with: str | None
    cycle: int
    files: Mapping[str, ScoreFiles]


def collect_ablation(variants: Sequence[VariantScores], *, allow_missing: bool) -> pd.DataFrame:
    """Mean scores of variants and their differences, with 95 % intervals.

    Args:
        allow_missing: leave a sequence that failed in some variant out of all, instead of raising.

    Returns:
        A row a variant. Of each of `MAIN_METRICS` that is known (those that take no truth, only
        where no other is), columns named as it is that end in `MEAN` and in `DIFFERENCE`: that of
        the variant and of what it is compared with, on the same frames (empty, where it is compared
        with none). Means are as those of the table of all sequences; intervals as of
        `flowpose.evaluation.intervals.interval`, whose `over` is in the column `interval_over`.
        `missing` says why sequences are left out.

    Raises:
        InputError: a sequence failed, or all did, or nothing is known of any.
    """
    reasons = {
        sequence: f"{variant.name}: {reason}"
        for variant in variants
        for sequence, files in variant.files.items()
        if (reason := files.failure())
    }
    why = "; ".join(f"{sequence}: {reason}" for sequence, reason in reasons.items())
    check(allow_missing or not reasons, "scores", why, "mend that, or set allow_missing: true")
    sequences = [name for name in variants[0].files if name not in reasons]
    check(bool(sequences), "scores", f"all sequences failed: {why}")
    values = {variant.name: _values(variant, sequences) for variant in variants}
    metrics = _shown([of for found in values.values() for of in found])
    check(
        bool(metrics),
        "scores",
        f"nothing is known by which to compare variants of {', '.join(sequences)}",
        "give keypoints or truth in the frames used",
    )
    rows = []
    for variant in variants:
        own = values[variant.name]
        other = values[variant.compared_with] if variant.compared_with else None
        row: dict[str, object] = {
            "variant": variant.name,
            "compared_with": variant.compared_with,
            "n_sequences": len(sequences),
            "n_frames": sum(len(of["scored"]) for of in own),
        }
        for metric in metrics:
            means = [of[metric.name] for of in own]
            row |= _interval(metric.name, MEAN, means)
            if other is not None:
                differences = [a - b[metric.name] for a, b in zip(means, other, strict=True)]
                row |= _interval(metric.name, DIFFERENCE, differences)
        rows.append(row)
    table = pd.DataFrame(rows)
    return table.assign(missing=why) if reasons else table


def _shown(values: Sequence[Mapping[str, Float[np.ndarray, "_"]]]) -> list[Metric]:
    """The metrics that the table has, of the values of all variants and sequences."""
    known = [m for m in MAIN_METRICS if any(np.isfinite(of[m.name]).any() for of in values)]
    return [metric for metric in known if not metric.instead_of] or known


def _values(
    variant: VariantScores, sequences: Sequence[str]
) -> list[dict[str, Float[np.ndarray, "_"]]]:
    """Of each sequence the values of each metric, and which frames are scored."""
    found = []
    for sequence in sequences:
        scores = read_sequence_scores(variant.files[sequence])
        (flow,) = scores.flows
        of = {**scores.poses[scores.pose_of(variant.cycle)], **flow}
        values = {metric.name: frame_values(of[metric.name]) for metric in MAIN_METRICS}
        found.append({"scored": scores.scored.astype(float), **values})
    return found


def frame_values(scores: Scores) -> Float[np.ndarray, "n"]:
    """A value a frame, whose mean over frames is the mean over all that counts; NaN: nothing does.

    A frame differs from that mean by what its own differs, times how much it counts, as in the
    linear approximation of a ratio of means.
    """
    counts = scores.valid.reshape(len(scores.valid), -1).sum(1).astype(float)
    counts[counts == 0] = np.nan
    mean = scores.mean()
    if not np.isfinite(mean):
        return counts
    return mean + (scores.frame_means() - mean) * counts / np.nanmean(counts)


def _interval(
    name: str, ends: Sequence[str], values: Sequence[Float[np.ndarray, "_"]]
) -> dict[str, float | str]:
    """The columns of a mean and of its interval; empty if nothing is known."""
    if not any(np.isfinite(of).any() for of in values):
        return {}
    found = interval(values)
    columns = [f"{name}{end}" for end in ends]
    bounds = dict(zip(columns, (found.mean, found.low, found.high), strict=True))
    return {"interval_over": found.over, **bounds}
