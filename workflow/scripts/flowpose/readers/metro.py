"""METRO, the estimator of the paper (docs/reference.md, 2): one npz of pickled tensors a video."""

import logging
from collections.abc import Mapping
from numbers import Integral
from pathlib import Path

import numpy as np
from jaxtyping import Float

from flowpose.errors import InputError, check
from flowpose.pose.estimates import CropCamera, Joints
from flowpose.pose.skeletons import METRO_14
from flowpose.pose.weak_perspective import Crop
from flowpose.storage.safe_pickle import read_pickled

_log = logging.getLogger(__name__)


def read_joints(file: Path | str) -> Joints:
    """The pose of the first person in each of the frames used, with METRO's camera.

    Args:
        file: npz with a pickled `results`: by frame, by person, a record of
            `pred_3d_joints_from_smpl` (14, 3) m, `pred_camera` (3) and `proc_param` with
            `scale`, `start_pt` and `img_size`; the arrays may have a leading axis of 1.

    Raises:
        InputError: the file is none of METRO's, or holds values that are not finite.
    """
    source = f"{file}: results"
    results = read_pickled(file, "results")
    frames = dict(enumerate(results)) if isinstance(results, list) else results
    if not isinstance(frames, dict) or not frames:
        raise InputError(f"{source}: expected a record a frame, found none")
    strange = [t for t in frames if not isinstance(t, Integral)]
    check(not strange, source, f"expected records by the number of their frame, found {strange}")
    known = sorted(frames)
    crowded = [t for t in known if isinstance(frames[t], list | Mapping) and len(frames[t]) > 1]
    if crowded:
        _log.warning("%s: frames %s have more people than one: the first is taken", file, crowded)
    records = {t: _first_person(frames[t], f"{source}[{t}]") for t in known}

    def stacked(key: str, *shape: int) -> Float[np.ndarray, "n *shape"]:
        return np.stack([_array(r, key, shape, f"{source}[{t}]") for t, r in records.items()])

    crops = [record["proc_param"] for record in records.values()]
    crop = Crop(
        np.array([crop["scale"] for crop in crops], np.float64),
        np.array([crop["start_pt"] for crop in crops], np.float64),
        int(crops[0]["img_size"]),
    )
    return Joints(
        source=source,
        frames=np.array(known, int),
        points=stacked("pred_3d_joints_from_smpl", len(METRO_14), 3),
        skeleton=METRO_14,
        camera=CropCamera(stacked("pred_camera", 3), crop),
        numbering="used",
        n_frames=int(known[-1]) + 1,
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
