"""Small files in the layouts of Human3.6M, made of the golden case of VideoPose3D."""

import io
import tarfile
from pathlib import Path

import h5py
import numpy as np
import scipy.io
from cdflib.cdfwrite import CDF

GOLDEN = np.load(Path(__file__).parent / "golden" / "vp3d.npz")
ACTIONS = ("Walking", "Eating 1")
# By subject and action: joints (9, 32, 3) in the world, m.
POSITIONS = {
    subject: {action: GOLDEN[f"pos3d/{subject}/{action}"] for action in ACTIONS}
    for subject in ("S9", "S11")
}


def raw(subject: str, action: str) -> np.ndarray:
    """What a file of the data set holds: (F, 96) mm."""
    return GOLDEN[f"raw_mm/{subject}/{action}"].reshape(-1, 96)


def write_cdf(path: Path, values: np.ndarray, variable: str = "Pose", compressed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cdf = CDF(path, {"Majority": "row_major", "Compressed": compressed, "Checksum": True})
    spec = {
        "Variable": variable,
        "Data_Type": CDF.CDF_FLOAT,
        "Num_Elements": 1,
        "Rec_Vary": True,
        "Dim_Sizes": list(values.shape),
    }
    cdf.write_var(spec, var_data=values[None])
    cdf.close()


def write_mat(path: Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cell = np.empty((1, 1), object)
    cell[0, 0] = values
    scipy.io.savemat(path, {"data": cell})


def write_h5(path: Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as h5:
        h5["3D_positions"] = values.T


def write_subject(folder: Path, kind: str, subject: str = "S9") -> Path:
    """A subject's folder of one kind of files."""
    for action in ACTIONS:
        if kind == ".h5":
            write_h5(folder / f"MyPoses/3D_positions/{action}.h5", raw(subject, action))
        else:
            write = write_mat if kind == ".cdf.mat" else write_cdf
            write(folder / f"MyPoseFeatures/D3_Positions/{action}{kind}", raw(subject, action))
    return folder


def write_tgz(path: Path, folder: Path, subject: str = "S9") -> Path:
    """A subject's folder as the data set packs it."""
    with tarfile.open(path, "w:gz") as archive:
        archive.add(folder, subject)
    return path


def add_member(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def save(path: Path, **objects) -> Path:
    """An npz of pickled objects."""
    np.savez(path, **{name: np.array(value, object) for name, value in objects.items()})
    return path
