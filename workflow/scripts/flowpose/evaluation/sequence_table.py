"""The table of mean errors: a row a sequence and cycle, and the mean over sequences."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from flowpose.errors import check
from flowpose.evaluation.scores import METRICS, read_means
from flowpose.storage.stage_files import failure
from flowpose.storage.whole_files import replacing

TITLES = {
    "mpjpe_mm": "MPJPE (mm)",
    "pa_mpjpe_mm": "PA-MPJPE (mm)",
    "n_mpjpe_mm": "N-MPJPE (mm)",
    "accel_mm": "acceleration (mm/frame²)",
    "epe_px": "EPE (px)",
    "epe_reference": "EPE, reference's count (px)",
}


def collect(
    dataset: str,
    metrics: Mapping[str, Path | str],
    *,
    allow_missing: bool,
    left_out: Mapping[str, str] = MappingProxyType({}),
    recordings: Mapping[str, tuple[str, str]] = MappingProxyType({}),
) -> pd.DataFrame:
    """Mean errors of every sequence and cycle, and their mean over sequences.

    Args:
        metrics: the metrics.h5 of each sequence.
        allow_missing: give a sequence that failed a row that says why, instead of raising.
        left_out: sequences that are not to be evaluated, and why; they get such a row, too.
        recordings: subject and action of each sequence, for data sets that have these.

    Raises:
        InputError: a sequence failed, or all did, or there is none.
    """
    check(bool(metrics), dataset, "no sequences", "are the videos where the config says?")
    reasons = {name: reason for name, path in metrics.items() if (reason := failure(path))}
    folder = Path(next(iter(metrics.values()))).parent.parent
    check(
        allow_missing or not reasons,
        f"{len(reasons)} of {len(metrics)} sequences failed",
        "; ".join(f"{name}: {reason}" for name, reason in reasons.items()),
        f"delete {folder}/<sequence> to try again, or set allow_missing: true",
    )
    check(len(reasons) < len(metrics), dataset, f"all sequences failed: {list(reasons.values())}")
    rows = [
        {"dataset": dataset, "sequence": name, "cycle": cycle, **means}
        for name, path in metrics.items()
        if name not in reasons
        for cycle, means in enumerate(read_means(path))
    ]
    table = pd.DataFrame(rows)
    mean = table.groupby("cycle", as_index=False)[list(METRICS)].mean()
    mean = mean.assign(
        dataset=dataset, sequence="mean", n_frames=table.groupby("cycle")["n_frames"].sum().values
    )
    reasons |= left_out
    missing = pd.DataFrame(
        [{"dataset": dataset, "sequence": name, "missing": why} for name, why in reasons.items()],
        columns=["dataset", "sequence", "missing"],
    )
    table = pd.concat([table, missing, mean], ignore_index=True)
    table = table.astype({"cycle": "Int64", "n_frames": "Int64"})
    if recordings:
        known = [recordings.get(name, ("", "")) for name in table["sequence"]]
        table.insert(2, "subject", [subject for subject, _ in known])
        table.insert(3, "action", [action for _, action in known])
    return table if reasons else table.drop(columns="missing")


def write(table: pd.DataFrame, csv: Path | str, markdown: Path | str) -> None:
    """Write the table for programs (csv) and for people (markdown)."""
    write_csv(table, csv)
    # The names of sequences say these as well.
    readable = table.drop(columns=["dataset", "subject", "action"], errors="ignore").rename(
        columns=TITLES
    )
    for title, digits in zip(TITLES.values(), (1, 1, 1, 1, 3, 3), strict=True):
        readable[title] = [_cell(value, digits) for value in readable[title]]
    readable = readable.astype(object).where(readable.notna(), "")
    align = ["left", *["right"] * (readable.shape[1] - 1)]
    with replacing(markdown) as temporary:
        temporary.write_text(
            f"# {table['dataset'].iloc[0]}\n\n"
            + readable.to_markdown(index=False, colalign=align, disable_numparse=True)
            + "\n\n"
            + "\n".join(_NOTES)
            + "\n"
        )


def write_csv(table: pd.DataFrame, path: Path | str) -> None:
    """Write a table for programs, to six digits."""
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g")


_NOTES: Sequence[str] = (
    "Cycle 0 is RAFT and the pose as estimated; cycle k the flow after k finetunings, and the pose",
    "after the refinement in that cycle, or after the last one if there was none.",
    "Joint errors are relative to the middle of the hips. EPE is taken at the joints, in px of the",
    "cropped and scaled frames. The reference counts each pixel once, and divides by 32 joints.",
)


def _cell(value: float, digits: int) -> str:
    return "" if pd.isna(value) else f"{value:.{digits}f}"
