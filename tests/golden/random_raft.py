"""The random RAFT weights of the golden cases, made again from their seed.

    python tests/golden/random_raft.py FILE

A file of 21 MB is not committed: the convolutions follow from the seed, layer by layer in the
order in which princeton-vl's RAFT builds them; raft-random-rest.npz holds the others (the norms,
which saw some training, and the last layer of the flow head, which was scaled).
"""

import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

SEED = 20221
Layers = list[tuple[str, int, int, int | tuple[int, int]]]


def write_random_raft(path: Path) -> None:
    """Write the checkpoint in the layout of princeton-vl's files."""
    state = {f"module.{key}": value for key, value in convolutions().items()}
    with np.load(Path(__file__).with_name("raft-random-rest.npz")) as rest:
        state |= {key: torch.as_tensor(rest[key]) for key in rest}
    torch.save(state, path)


def convolutions() -> dict[str, Tensor]:
    """Weights and biases of all convolutions as they are initialised."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(SEED)
        layers = _encoder("fnet") | _encoder("cnet") | _build("update_block", _UPDATE)
    return {
        f"{name}.{part}": getattr(layer, part).detach()
        for name, layer in layers.items()
        for part in ("weight", "bias")
    }


def _block(layer: int, inputs: int, outputs: int) -> Layers:
    shortcut: Layers = [(f"layer{layer}.0.downsample.0", inputs, outputs, 1)] if layer > 1 else []
    return [
        (f"layer{layer}.0.conv1", inputs, outputs, 3),
        (f"layer{layer}.0.conv2", outputs, outputs, 3),
        *shortcut,
        (f"layer{layer}.1.conv1", outputs, outputs, 3),
        (f"layer{layer}.1.conv2", outputs, outputs, 3),
    ]


_ENCODER: Layers = [
    ("conv1", 3, 64, 7),
    *_block(1, 64, 64),
    *_block(2, 64, 96),
    *_block(3, 96, 128),
    ("conv2", 128, 256, 1),
]
_UPDATE: Layers = [
    ("encoder.convc1", 324, 256, 1),
    ("encoder.convc2", 256, 192, 3),
    ("encoder.convf1", 2, 128, 7),
    ("encoder.convf2", 128, 64, 3),
    ("encoder.conv", 256, 126, 3),
    *((f"gru.conv{gate}1", 384, 128, (1, 5)) for gate in "zrq"),
    *((f"gru.conv{gate}2", 384, 128, (5, 1)) for gate in "zrq"),
    ("flow_head.conv1", 128, 256, 3),
    ("flow_head.conv2", 256, 2, 3),
    ("mask.0", 128, 256, 3),
    ("mask.2", 256, 576, 1),
]


def _build(prefix: str, layers: Layers) -> dict[str, nn.Conv2d]:
    return {
        f"{prefix}.{name}": nn.Conv2d(inputs, outputs, kernel)
        for name, inputs, outputs, kernel in layers
    }


def _encoder(prefix: str) -> dict[str, nn.Conv2d]:
    """An encoder, whose weights are drawn again once all its layers are built."""
    layers = _build(prefix, _ENCODER)
    for layer in layers.values():
        nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return layers


if __name__ == "__main__":
    write_random_raft(Path(sys.argv[1]))
