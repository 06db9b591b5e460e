"""Results files of METRO, the estimator of the paper (docs/reference.md, 2)."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from flowpose.camera import Crop
from flowpose.errors import InputError, check
from flowpose.pickles import read_pickled
from flowpose.pose import Pose
from flowpose.skeletons import METRO_14


def read_metro(path: Path | str) -> Pose:
    """The pose of the first person in every frame.

    Args:
        path: npz with a pickled `results`: by frame, by person, a record of
            `pred_3d_joints_from_smpl` (14, 3) m, `pred_camera` (3) and `proc_param` with
            `scale`, `start_pt` and `img_size`; the arrays may have a leading axis of 1.

    Raises:
        InputError: the file is none of METRO's, lacks a frame, or holds values that are not
            finite.
    """
    results = read_pickled(path, "results")
    frames = dict(enumerate(results)) if isinstance(results, list) else results
    if not isinstance(frames, dict) or not frames:
        raise InputError(f"{path}: results: expected a record a frame, found none")
    missing = [t for t in range(len(frames)) if t not in frames]
    check(not missing, f"{path}: results", f"frames 0 to {len(frames) - 1} expected, no {missing}")
    records = [_first_person(frames[t], f"{path}: results[{t}]") for t in range(len(frames))]

    def stacked(key: str, shape: tuple[int, ...]) -> np.ndarray:
        return np.stack(
            [_array(r, key, shape, f"{path}: results[{t}]") for t, r in enumerate(records)]
        )

    crops = [record["proc_param"] for record in records]
    return Pose(
        stacked("pred_3d_joints_from_smpl", (len(METRO_14), 3)),
        stacked("pred_camera", (3,)),
        Crop(
            np.array([float(crop["scale"]) for crop in crops]),
            np.array([np.asarray(crop["start_pt"], np.float64) for crop in crops]),
            int(crops[0]["img_size"]),
        ),
    )


def _first_person(people: object, where: str) -> Mapping:
    record = people[0] if isinstance(people, list | Mapping) and len(people) else None
    if not isinstance(record, Mapping):
        raise InputError(f"{where}: expected a record of at least one person")
    keys = ("pred_3d_joints_from_smpl", "pred_camera", "proc_param")
    missing = [key for key in keys if key not in record]
    check(not missing, where, f"METRO's {', '.join(missing)} expected, found {', '.join(record)}")
    return record


def _array(record: Mapping, key: str, shape: tuple[int, ...], where: str) -> np.ndarray:
    values = np.asarray(record[key], np.float32)
    check(
        values.shape in (shape, (1, *shape)),
        f"{where}: {key}",
        f"expected shape {shape}, found {values.shape}",
    )
    check(bool(np.isfinite(values).all()), f"{where}: {key}", "values that are not finite")
    return values.reshape(shape)
