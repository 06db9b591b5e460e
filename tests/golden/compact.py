"""Make the compact golden cases of this folder from full ones.

    python tests/golden/compact.py SOURCE

Leaves out what other entries or the seed of the random weights give again, and of large fields all
but a few pairs or every fourth pixel. Nothing is rounded.
"""

import shutil
import sys
from pathlib import Path

import numpy as np
import torch
from random_raft import convolutions

HERE = Path(__file__).parent
STRIDE = 4
TARGETS = 2
SHARED = ("flow", "X", "cam", "scale", "start_pt", "img_size", "T", "W", "H")
RAFT_LEFT_OUT = ("eval_low_1", "eval_low_5", "eval_low_20", "eval_up_1", "eval_up_5")
E2E_FLOWS = ("infer1_mode0", "infer2_mode1", "infer3_mode0", "infer1_mode1", "infer2_mode0")


def main(source: Path) -> None:
    inputs = np.load(source / "inputs_s0.npz")
    save("inputs_s0", {key: inputs[key] for key in SHARED})
    for name in ("unit_s0", "pose_s0", "pose_s0_60"):
        case = np.load(source / f"{name}.npz")
        kept = {key: case[key] for key in case if key not in SHARED}
        if "target" in kept:
            kept["target"] = kept["target"][:TARGETS]
        save(name, kept)
    step = np.load(source / "raft_step_s0.npz")
    save("raft_step_s0", {key: step[key] for key in step if key not in RAFT_LEFT_OUT})
    save("e2e_s0", e2e(np.load(source / "e2e_s0.npz")))
    save("vp3d", dict(np.load(source / "vp3d.npz")))
    shutil.copytree(
        source / "ws_s0", HERE / "ws_s0", ignore=shutil.ignore_patterns("RAFT"), dirs_exist_ok=True
    )
    weights = torch.load(source / "raft-random.pth", weights_only=True)
    regenerated = convolutions()
    save(
        "raft-random-rest",
        {
            key: value.numpy()
            for key, value in weights.items()
            if not torch.equal(value, regenerated.get(key.removeprefix("module."), torch.tensor(0)))
        },
    )


def e2e(case) -> dict[str, np.ndarray]:
    kept = {"flow_stride": np.array(STRIDE)}
    for key in case:
        kind = key.rpartition("/")[2]
        if kind in E2E_FLOWS:
            kept[key] = case[key][:, ::STRIDE, ::STRIDE]
        elif kind != "target" and "/model/" not in key:
            kept[key] = case[key]
    return kept


def save(name: str, arrays: dict[str, np.ndarray]) -> None:
    np.savez_compressed(HERE / f"{name}.npz", **arrays)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
