"""The 3D positions of Human3.6M as the data set comes, and as others have converted it.

One file holds one action of a subject: x y z of 32 joints in every frame, mm, in the world
(docs/reference.md, 11).
"""

import re
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath

import cdflib
import h5py
import numpy as np
from jaxtyping import Float, Float32
from scipy.io import loadmat

from flowpose.datasets.human36m.actions import canonical_action
from flowpose.datasets.human36m.coordinates import coordinate_frame
from flowpose.datasets.human36m.h36m_skeletons import H36M_32
from flowpose.datasets.human36m.layout import RAW_FOLDERS, RAW_KINDS
from flowpose.errors import FlowposeError, InputError, check

# VideoPose3D takes no subject with fewer or more; here a part of the data set will do.
ACTIONS_OF_A_SUBJECT = 30

_MM_PER_M = 1000
_COLUMNS = 3 * len(H36M_32)
# The poses that Human3.6M has besides, by their number of columns.
_OTHER_POSES = {64: "positions in the picture (D2_Positions)", 78: "joint angles (D3_Angles)"}
# A recording has a few MB.
_LARGEST_MEMBER = 100 * 1024**2

_NEEDED = "D3_Positions are needed, neither D2_Positions nor D3_Positions_mono nor angles"

Reader = Callable[[Path, object], np.ndarray]
Positions = dict[str, Float32[np.ndarray, "F 32 3"]]


def _refuse(error: InputError) -> None:
    raise error


def read_raw(
    path: Path | str, subject: str, on_bad_file: Callable[[InputError], None] = _refuse
) -> Positions:
    """All of a subject's 3D positions, by action as the labels name it; m, world.

    Args:
        path: the subject's folder or the one in it with the files, which are .cdf, .cdf.mat or .h5
            (the first of these kinds that there is); or the subject's official .tgz.
        on_bad_file: is told of a file that is of another kind, truncated or damaged; unless it
            raises, that action is left out.

    Raises:
        InputError: there are no such files, they are another subject's, or one of them is bad.
    """
    path = Path(path)
    check(path.exists(), path, "no such file or folder", "see the config's human36m.raw")
    positions: Positions = {}
    for name, read in _from_folder(path, subject) if path.is_dir() else _from_tar(path, subject):
        action = canonical_action(name)
        check(action not in positions, path, f"{action} is there twice")
        try:
            positions[action] = read()
        except InputError as error:
            on_bad_file(error)
    return positions


def _from_folder(folder: Path, subject: str) -> Iterator[tuple[str, Callable[[], np.ndarray]]]:
    """Names of a folder's files, and how to read their joints."""
    _check_subject(folder.resolve().name, subject, folder)
    for kind, read in _READERS.items():
        for part in RAW_FOLDERS:
            files = sorted((folder / part).glob(f"*{kind}"))
            for file in files:
                name = file.name.removesuffix(kind)
                yield name, partial(_read, file, read, name, file)
            if files:
                return
    raise InputError(
        f"{folder}: no 3D positions: expected {', '.join('*' + kind for kind in _READERS)} in it, "
        f"in {RAW_FOLDERS[0]} or in {RAW_FOLDERS[1]}"
    )


def _from_tar(path: Path, subject: str) -> Iterator[tuple[str, Callable[[], np.ndarray]]]:
    """The same of an archive's files, before the next is taken; none is put where it says."""
    count = 0
    with (
        _unreadable_named(path),
        tempfile.TemporaryDirectory() as folder,
        tarfile.open(path) as archive,
    ):
        for member in archive:
            name = PurePosixPath(member.name)
            if name.parent.name != "D3_Positions" or name.suffix != ".cdf":
                continue
            where = f"{path}: {member.name}"
            _check_member(member, name, where)
            _check_subject(name.parts[0], subject, where)
            copy = Path(folder) / "pose.cdf"
            with archive.extractfile(member) as source, copy.open("wb") as target:  # type: ignore
                shutil.copyfileobj(source, target)
            count += 1
            yield name.stem, partial(_read, copy, _read_cdf, name.stem, where)
    check(
        count > 0,
        path,
        f"expected {subject}/MyPoseFeatures/D3_Positions/*.cdf in it, found none",
        f"the data set's archive is called Poses_D3_Positions_{subject}.tgz",
    )


def _check_member(member: tarfile.TarInfo, name: PurePosixPath, where: str) -> None:
    """Refuse what no archive of the data set holds."""
    check(
        member.isfile() and not name.is_absolute() and ".." not in name.parts,
        where,
        "refused: a link, or a path that leads out of the archive",
        "get the archive from the data set's site",
    )
    check(member.size <= _LARGEST_MEMBER, where, f"refused: {member.size} bytes, too large")


def _check_subject(found: str, subject: str, where: object) -> None:
    """Refuse a folder that is named for another subject: cameras differ by subject."""
    other = re.fullmatch(r"S\d+", found) and found != subject
    check(not other, where, f"expected files of {subject}, these are of {found}")


def _read(file: Path, read: Reader, name: str, where: object) -> Float32[np.ndarray, "F 32 3"]:
    """A file's positions, m, after checking that they are what they should be."""
    with _unreadable_named(where):
        values = np.asarray(read(file, where))
    columns = values.shape[-1] if values.ndim else 0
    check(
        columns == _COLUMNS,
        where,
        f"expected {_COLUMNS} columns, x y z of {len(H36M_32)} joints, found {columns}"
        + (f": {_OTHER_POSES[columns]}" if columns in _OTHER_POSES else ""),
        _NEEDED,
    )
    camera = name.rpartition(".")[2] if "." in name else ""
    check(not camera, where, f"positions in the frame of camera {camera}", _NEEDED)
    check(values.size > 0 and bool(np.isfinite(values).all()), where, "values that are not finite")
    joints = (values.reshape(-1, len(H36M_32), 3) / _MM_PER_M).astype(np.float32)
    frame = coordinate_frame(joints, where)
    check(frame == "world", where, "positions in a camera's frame", _NEEDED)
    return joints


def _read_cdf(file: Path, where: object) -> Float[np.ndarray, "*one F columns"]:
    cdf = cdflib.CDF(file, validate=True)
    info = cdf.cdf_info()
    names = [name for name in (*info.zVariables, *info.rVariables) if name]
    if not names:
        raise ValueError("it has no variables")
    check("Pose" in names, where, f"expected a variable Pose, found {', '.join(names)}", _NEEDED)
    return cdf["Pose"]


def _read_mat(file: Path, where: object) -> Float[np.ndarray, "F columns"]:
    """What VideoPose3D's MATLAB script makes of a CDF file."""
    mat = loadmat(file)
    check("data" in mat, where, "expected a variable data", "convert the .cdf again")
    return mat["data"][0, 0]


def _read_h5(file: Path, where: object) -> Float[np.ndarray, "F columns"]:
    """What Martinez et al. made of a CDF file."""
    with h5py.File(file, "r") as h5:
        found = ", ".join(h5)
        check("3D_positions" in h5, where, f"expected a dataset 3D_positions, found {found}")
        return h5["3D_positions"][()].T


@contextmanager
def _unreadable_named(where: object) -> Iterator[None]:
    """Turn whatever a parser says of a damaged file into an error that names the file."""
    try:
        yield
    except FlowposeError:
        raise
    except Exception as error:
        raise InputError(
            f"{where}: cannot be read: {error!r} (truncated or damaged? get it again)"
        ) from error


_READERS: dict[str, Reader] = dict(zip(RAW_KINDS, (_read_cdf, _read_mat, _read_h5), strict=True))
