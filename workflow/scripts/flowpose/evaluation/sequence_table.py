"""The table of mean scores: a row a sequence and cycle, and the mean over sequences."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from flowpose.errors import check
from flowpose.evaluation.frame_marks import MARKS
from flowpose.evaluation.metric import Metric
from flowpose.evaluation.paper_table import markdown_table
from flowpose.evaluation.sequence_scores import (
    METRICS,
    ScoreFiles,
    in_table,
    read_sequence_scores,
)
from flowpose.storage.whole_files import damage_named, replacing

# Columns that count frames, and what they count. Of marks there may be none: then without column.
_MARKED = {f"n_{mark}": meaning for mark, meaning in MARKS.items()}
COUNTS = {
    "n_frames": "frames that are used",
    "n_scored": "frames whose 3D pose is scored; the others have no truth or no estimate",
    **_MARKED,
}
# All that tables may have, in this order.
_COLUMNS = (
    *("dataset", "sequence", "subject", "action", "cycle"),
    *COUNTS,
    *(metric.name for metric in METRICS),
    "missing",
)
_TEXTS = ("dataset", "sequence", "subject", "action", "missing")
_MOVE_AWAY = "move it out of the results, or delete it"
_ABOUT_CYCLES = (
    "Cycle 0 is RAFT and the pose as estimated; cycle k the flow after k finetunings, and the pose",
    "after the refinement in that cycle, or after the last one if there was none.",
)


def collect(
    dataset: str,
    scores: Mapping[str, ScoreFiles],
    *,
    allow_missing: bool,
    left_out: Mapping[str, str] = MappingProxyType({}),
    recordings: Mapping[str, tuple[str, str]] = MappingProxyType({}),
) -> pd.DataFrame:
    """Mean scores of every sequence and cycle, and their mean over sequences.

    Args:
        scores: the files of each sequence.
        allow_missing: give a sequence that failed a row that says why, instead of raising.
        left_out: sequences that are not to be evaluated, and why; they get such a row, too.
        recordings: subject and action of each sequence, for data sets that have these.

    Returns:
        A column a metric that is known for some sequence; of those that stand in for others, only
        where these are not known for all.

    Raises:
        InputError: a sequence failed, or all did, or there is none.
    """
    check(bool(scores), dataset, "no sequences", "are the videos where the config says?")
    reasons = {name: reason for name, files in scores.items() if (reason := files.failure())}
    folder = Path(next(iter(scores.values())).poses).parent.parent
    check(
        allow_missing or not reasons,
        f"{len(reasons)} of {len(scores)} sequences failed",
        "; ".join(f"{name}: {reason}" for name, reason in reasons.items()),
        f"delete {folder}/<sequence> to try again, or set allow_missing: true",
    )
    check(len(reasons) < len(scores), dataset, f"all sequences failed: {list(reasons.values())}")
    table = pd.DataFrame(
        [
            {"dataset": dataset, "sequence": name, "cycle": cycle, **means}
            for name, files in scores.items()
            if name not in reasons
            for cycle, means in enumerate(_means(files))
        ]
    )
    shown = in_table({metric.name: table[metric.name].notna() for metric in METRICS})
    unknown = [metric.name for metric in METRICS if metric not in shown]
    how = dict.fromkeys(COUNTS, "sum") | {metric.name: "mean" for metric in METRICS}
    mean = table.groupby("cycle", as_index=False).agg(how)
    mean = mean.assign(dataset=dataset, sequence="mean")
    reasons |= left_out
    missing = pd.DataFrame(
        [{"dataset": dataset, "sequence": name, "missing": why} for name, why in reasons.items()],
        columns=["dataset", "sequence", "missing"],
    )
    table = pd.concat([table, missing, mean], ignore_index=True)
    table = table.astype(dict.fromkeys(("cycle", *COUNTS), "Int64"))
    if recordings:
        known = [recordings.get(name, ("", "")) for name in table["sequence"]]
        table.insert(2, "subject", [subject for subject, _ in known])
        table.insert(3, "action", [action for _, action in known])
    table = table.drop(columns=[*unknown, *(name for name in _MARKED if not table[name].any())])
    return table if reasons else table.drop(columns="missing")


def _means(files: ScoreFiles) -> list[dict[str, float]]:
    """The numbers of each cycle's row."""
    scores = read_sequence_scores(files)
    return [
        {
            "n_frames": len(scores.scored),
            "n_scored": int(scores.scored.sum()),
            **{f"n_{mark}": int(at.sum()) for mark, at in scores.marks[scores.pose_of(k)].items()},
            **{metric.name: cycle[metric.name].mean() for metric in METRICS},
        }
        for k, cycle in enumerate(scores.cycles())
    ]


def join(paths: Sequence[Path | str]) -> pd.DataFrame:
    """The tables of several data sets as one: a column each that any of them has.

    Raises:
        InputError: a file is no such table.
    """
    tables = []
    for path in paths:
        with damage_named(path):
            # As text, whatever they look like: a sequence may be named 007 or NA.
            tables.append(pd.read_csv(path, converters=dict.fromkeys(_TEXTS, str)))
        lacking = [name for name in ("dataset", "sequence", "cycle") if name not in tables[-1]]
        check(not lacking, path, f"no table of flowpose: it has no column {lacking}", _MOVE_AWAY)
    joined = pd.concat(tables, ignore_index=True)
    if "missing" in joined:
        joined["missing"] = joined["missing"].replace("", None)
    joined = joined.astype({name: "Int64" for name in ("cycle", *COUNTS) if name in joined})
    # Columns that only some tables have come where they stand in those.
    return joined[[name for name in _COLUMNS if name in joined]]


def write(table: pd.DataFrame, csv: Path | str, markdown: Path | str) -> None:
    """Write a table for programs (csv) and for people (markdown), a part a data set."""
    write_csv(table, csv)
    metrics = [metric for metric in METRICS if metric.name in table]
    parts = [
        f"# {dataset}\n\n{_readable(rows)}\n"
        for dataset, rows in table.groupby("dataset", sort=False)
    ]
    notes = [f"- {name}: {meaning}" for name, meaning in COUNTS.items() if name in table]
    notes += [f"- {metric.heading}: {_meaning(metric)}" for metric in metrics]
    with replacing(markdown) as temporary:
        temporary.write_text("\n".join((*parts, *_ABOUT_CYCLES, "", *notes)) + "\n")


def _readable(table: pd.DataFrame) -> str:
    """The rows of one data set, in markdown, without what it does not know."""
    # The names of sequences say these as well.
    table = table.drop(columns=["dataset", "subject", "action"], errors="ignore")
    table = table.drop(columns=[name for name in table if table[name].isna().all()])
    metrics = [metric for metric in METRICS if metric.name in table]
    for metric in metrics:
        table[metric.name] = [cell(value, metric) for value in table[metric.name]]
    table = table.rename(columns={metric.name: metric.heading for metric in metrics})
    table = table.astype(object).where(table.notna(), "")
    return markdown_table(table, 1)


def write_csv(table: pd.DataFrame, path: Path | str) -> None:
    """Write a table for programs, to six digits."""
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g")


def cell(value: float, metric: Metric) -> str:
    """A value of a metric for people; nothing where it is not known."""
    return "" if pd.isna(value) else f"{value:.{metric.digits}f}"


def documentation() -> list[str]:
    """What README.md says of the columns: a row of markdown each."""
    meanings = COUNTS | {metric.name: _meaning(metric) for metric in METRICS}
    return [f"| `{name}` | {meaning} |" for name, meaning in meanings.items()]


def _meaning(metric: Metric) -> str:
    return metric.summary + ("; higher is better" if metric.better == "higher" else "")
