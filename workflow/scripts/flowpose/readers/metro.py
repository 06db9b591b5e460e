"""METRO, the estimator of the paper (docs/reference.md, 2): one npz of pickled tensors a video."""

import logging
from collections.abc import Mapping
from numbers import Integral
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32

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

    def stacked(key: str, *shape: int) -> Float32[np.ndarray, "n *shape"]:
        arrays = [_array(r, key, shape, f"{source}[{t}]") for t, r in records.items()]
        return np.stack(arrays).astype(np.float32)

    crop = _crop({t: (r["proc_param"], f"{source}[{t}]: proc_param") for t, r in records.items()})
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
    return record


def _crop(crops: Mapping[int, tuple[object, str]]) -> Crop:
    """The crop of each frame, from METRO's record of it and what to call that in errors."""
    scales, starts, sizes = [], [], []
    for crop, where in crops.values():
        if not isinstance(crop, Mapping):
            raise InputError(f"{where}: expected scale, start_pt and img_size, found {crop!r}")
        scale = float(_array(crop, "scale", (), where))
        check(scale > 0, f"{where}: scale", f"expected a number above 0, found {scale}")
        scales.append(scale)
        starts.append(_array(crop, "start_pt", (2,), where))
        sizes.append(int(_array(crop, "img_size", (), where)))
        check(
            sizes[-1] == sizes[0] > 0, f"{where}: img_size", f"crops of {sizes[0]}, {sizes[-1]} px"
        )
    return Crop(np.array(scales), np.array(starts), sizes[0])


def _array(
    record: Mapping, key: str, shape: tuple[int, ...], where: str
) -> Float[np.ndarray, "*shape"]:
    """Numbers of a record: an array, or a tensor, which may want gradients."""
    check(key in record, where, f"METRO's {key} expected, found {', '.join(map(str, record))}")
    value = record[key]
    where = f"{where}: {key}"
    try:
        values = np.asarray(value.detach() if hasattr(value, "detach") else value, np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{where}: expected numbers, found {value!r}") from error
    check(
        values.shape in (shape, (1, *shape)),
        where,
        f"expected shape {shape}, found {values.shape}",
    )
    check(bool(np.isfinite(values).all()), where, "values that are not finite")
    return values.reshape(shape)
