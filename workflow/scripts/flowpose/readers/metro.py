"""Results files of METRO, the estimator of the paper (docs/reference.md, 2)."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float

from flowpose.errors import InputError, check
from flowpose.pose.pose_file import Pose
from flowpose.pose.skeletons import METRO_14
from flowpose.pose.weak_perspective import Crop
from flowpose.storage.safe_pickle import read_pickled
from flowpose.video.frames_file import View

# A file with less than this part of the frames, or that ends more than so many off, is of another
# sequence. (Decoders differ in a video's last frames.)
_LEAST_PART = 0.5
_FRAMES_OFF = 2

_log = logging.getLogger(__name__)


def read_metro(path: Path | str, n_frames: int) -> Pose:
    """The pose of the first person in each of the frames used; video px.

    Where METRO lacks a frame, the pose is interpolated between its neighbours and marked missing.

    Args:
        path: npz with a pickled `results`: by frame, by person, a record of
            `pred_3d_joints_from_smpl` (14, 3) m, `pred_camera` (3) and `proc_param` with
            `scale`, `start_pt` and `img_size`; the arrays may have a leading axis of 1.

    Raises:
        InputError: the file is none of METRO's, is of other frames, or holds values that are not
            finite.
    """
    results = read_pickled(path, "results")
    frames = dict(enumerate(results)) if isinstance(results, list) else results
    if not isinstance(frames, dict) or not frames:
        raise InputError(f"{path}: results: expected a record a frame, found none")
    known = [t for t in range(n_frames) if t in frames]
    check(
        len(known) >= _LEAST_PART * n_frames and abs(max(frames) + 1 - n_frames) <= _FRAMES_OFF,
        f"{path}: results",
        f"{len(frames)} frames, of which {len(known)} are among the {n_frames} that are used",
        "are they of another video, or do frames.first and frames.step differ from METRO's?",
    )
    crowded = [t for t in known if isinstance(frames[t], list | Mapping) and len(frames[t]) > 1]
    if crowded:
        _log.warning("%s: frames %s have more people than one: the first is taken", path, crowded)
    records = [_first_person(frames[t], f"{path}: results[{t}]") for t in known]

    def filled(values: Sequence) -> np.ndarray:
        return _interpolated(np.stack(values), known, n_frames)

    def stacked(key: str, shape: tuple[int, ...]) -> np.ndarray:
        named = zip(known, records, strict=True)
        return filled([_array(r, key, shape, f"{path}: results[{t}]") for t, r in named])

    crops = [record["proc_param"] for record in records]
    return Pose(
        stacked("pred_3d_joints_from_smpl", (len(METRO_14), 3)),
        stacked("pred_camera", (3,)),
        Crop(
            filled([np.float64(crop["scale"]) for crop in crops]),
            filled([np.asarray(crop["start_pt"], np.float64) for crop in crops]),
            int(crops[0]["img_size"]),
        ),
        tuple(t for t in range(n_frames) if t not in frames),
    )


def in_frames(pose: Pose, view: View) -> Pose:
    """A pose whose crops are of the video's picture, with the crops of a view of it.

    The view's scale in x is taken for both; its rounding in y is less than half a px.
    """
    (x, y, _, _), scale = view.crop, view.scale[0]
    middle = (0.5 - np.array([x, y])) * scale - 0.5
    crop_scale = pose.crop.scale / scale
    start = pose.crop.start + middle * crop_scale[:, None]
    return replace(pose, crop=Crop(crop_scale, start, pose.crop.size))


def _interpolated(
    values: Float[np.ndarray, "n *shape"], known: Sequence[int], n_frames: int
) -> Float[np.ndarray, "T *shape"]:
    """Values of some frames, and between them their linear interpolation."""
    if len(known) == n_frames:
        return values
    columns = values.reshape(len(values), -1).T
    filled = [np.interp(np.arange(n_frames), known, column) for column in columns]
    return np.stack(filled, -1).astype(values.dtype).reshape(n_frames, *values.shape[1:])


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
