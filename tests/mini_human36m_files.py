"""Writers of the mini Human3.6M data set's files: labels, METRO's and DCPose's results, true flow.

The formats are those of the published files (docs/reference.md, 2, 3 and 11), and KITTI's of flow.
"""

import io
import json
import pickle
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path

import cdflib.cdfwrite
import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float

# METRO's 14 joints and DCPose's 17 among the 32 of Human3.6M. DCPose's ears lie beside the nose.
METRO_14 = (3, 2, 1, 6, 7, 8, 27, 26, 25, 17, 18, 19, 13, 15)
_DCPOSE_17 = (14, 13, 15, 14, 14, 17, 25, 18, 26, 19, 27, 6, 1, 7, 2, 8, 3)
_EARS_PX = {3: (9, -4), 4: (-9, -4)}
_CROP_PX, _PERSON_IN_CROP_PX = 224, 150
_CDF_FLOAT = 44
_LEGACY_MAGIC, _LEGACY_PROTOCOL = 0x1950A86A20F9469CFC6C, 1001


def write_labels(path: Path, world: Float[np.ndarray, "F 32 3"]) -> None:
    """A CDF of D3_Positions: variable Pose, one record of (F, 96) mm, world frame."""
    pose = (world * 1000).reshape(1, len(world), -1).astype(np.float32)
    variable = {
        "Variable": "Pose",
        "Data_Type": _CDF_FLOAT,
        "Num_Elements": 1,
        "Rec_Vary": True,
        "Dim_Sizes": list(pose.shape[1:]),
        "Compress": 0,  # compressed data would carry the time of writing
    }
    path.unlink(missing_ok=True)
    cdf = cdflib.cdfwrite.CDF(path, cdf_spec={"Encoding": 6})  # 6: of an IBM PC, little-endian
    cdf.write_var(variable, var_data=pose)
    cdf.close()


def metro_record(
    joints: Float[np.ndarray, "14 3"],
    pixels: Float[np.ndarray, "14 2"],
    rng: np.random.Generator,
) -> dict:
    """What METRO says of a person in a frame: arrays, not yet tensors.

    The camera is about the one that brings the estimated joints (m) closest to the true pixels.
    """
    low, high = pixels.min(0), pixels.max(0)
    scale = float(_PERSON_IN_CROP_PX / (high[1] - low[1]) * rng.normal(1, 0.02))
    start = np.rint(((low + high) / 2 + rng.normal(0, 3, 2)) * scale).astype(int)
    unit = (pixels * scale - start) / (_CROP_PX / 2)
    middle = joints[:, :2].mean(0)
    spread = joints[:, :2] - middle
    s = (spread * unit).sum() / (spread**2).sum()
    t = unit.mean(0) / s - middle
    camera = np.array([s, *t]) * [rng.normal(1, 0.005), 1, 1] + [0, *rng.normal(0, 0.002, 2)]
    crop = {
        "scale": scale,
        "start_pt": start,
        "end_pt": start + _CROP_PX,
        "img_size": _CROP_PX,
    }
    return {
        "pred_3d_joints_from_smpl": joints[None].astype(np.float32),
        "pred_camera": camera.astype(np.float32),
        "proc_param": crop,
    }


def write_metro(path: Path, frames: Mapping[int, list[dict]], device: str) -> None:
    """A results file of METRO: by frame, by person, a record with tensors saved from a device."""

    def saved(record: dict) -> dict:
        names = ("pred_3d_joints_from_smpl", "pred_camera")
        return record | {name: _Tensor(record[name], device) for name in names}

    results = np.empty((), object)
    results[()] = {
        t: {person: saved(record) for person, record in enumerate(people)}
        for t, people in frames.items()
    }
    np.savez(path, results=results)


class _Tensor:
    """Pickles as the float32 tensor of an array that was on a device, which need not exist."""

    def __init__(self, array: np.ndarray, device: str) -> None:
        self._array, self._device = np.ascontiguousarray(array, np.float32), device

    def __reduce__(self) -> tuple:
        shape, item = self._array.shape, self._array.itemsize
        stride = tuple(step // item for step in self._array.strides)
        storage = _Storage(self._array, self._device)
        return torch._utils._rebuild_tensor_v2, (storage, 0, shape, stride, False, OrderedDict())


class _Storage:
    """Pickles as a tensor's storage does: as bytes, in torch's format of before 1.6."""

    def __init__(self, array: np.ndarray, device: str) -> None:
        self._array = array
        self.tag = ("storage", torch.FloatStorage, "0", device, array.size, None)

    def __reduce__(self) -> tuple:
        stream = io.BytesIO()
        sizes = {"short": 2, "int": 4, "long": 4}
        system = {"protocol_version": _LEGACY_PROTOCOL, "little_endian": True, "type_sizes": sizes}
        for part in (_LEGACY_MAGIC, _LEGACY_PROTOCOL, system, self, ["0"]):
            _StoragePickler(stream, protocol=2).dump(part)
        stream.write(np.int64(self._array.size).tobytes() + self._array.tobytes())
        return torch.storage._load_from_bytes, (stream.getvalue(),)


class _StoragePickler(pickle.Pickler):
    def persistent_id(self, value: object) -> tuple | None:
        return value.tag if isinstance(value, _Storage) else None


def dcpose_entry(frame: int, pixels: Float[np.ndarray, "32 2"], rng: np.random.Generator) -> dict:
    """What DCPose says of a person in a frame: whole pixels, scores and a box."""
    points = pixels[list(_DCPOSE_17)]
    for joint, beside in _EARS_PX.items():
        points[joint] += beside
    points = np.trunc(points + rng.normal(0, 2.5, points.shape))
    scores = rng.uniform(0.45, 0.95, len(points))
    low, high = points.min(0) - 20, points.max(0) + 20
    return {
        "image_path": f"./input/seq/{frame:08}.jpg",
        "bbox": [*low.tolist(), *(high - low).tolist()],
        "keypoints": np.column_stack([points, scores]).tolist(),
    }


def write_dcpose(path: Path, entries: list[dict]) -> None:
    """A results file of DCPose: an entry a detected person."""
    path.write_text(json.dumps({"Info": entries}))


def write_kitti_flow(path: Path, flow: Float[np.ndarray, "h w 2"]) -> None:
    """A flow of KITTI: a PNG of 16 bits with x and y in 1/64 px from 2^15, and 1 where known."""
    stored = np.clip(np.rint(flow * 64) + 2**15, 0, 2**16 - 1).astype(np.uint16)
    known = np.ones(flow.shape[:2], np.uint16)
    # OpenCV's order is blue, green, red.
    _write_png(path, np.dstack([known, stored[..., 1], stored[..., 0]]))


def write_mask(path: Path, mask: Bool[np.ndarray, "h w"]) -> None:
    """A picture that is white where a mask is true."""
    _write_png(path, np.where(mask, 255, 0).astype(np.uint8))


def _write_png(path: Path, picture: np.ndarray) -> None:
    if not cv2.imwrite(str(path), picture):
        raise OSError(f"{path} cannot be written")
