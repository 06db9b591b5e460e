"""Reads pickles that are mutated or made up; an error is as good as an object, all else is a fault.

python tests/unit/fuzz_pickles.py 10000
"""

import faulthandler
import io
import pickle
import random
import sys
import warnings
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "workflow" / "scripts"))

from flowpose.storage.safe_pickle import _ALLOWED, _Unpickler

FORBIDDEN = ("open", "os.", "subprocess.", "exec", "compile", "socket.", "ctypes.", "shutil.")
GOOD = [
    {0: {0: {"a": np.arange(6.0).reshape(2, 3), "b": np.float32(2), "c": [224, None, "x"]}}},
    np.array([np.zeros(2), "text", None], object),
    [torch.arange(6.0).reshape(2, 3), torch.zeros(3)[1:]],
    {"t": (1, 2.5, True, b"bytes", 1 << 70), "n": np.array(["ab", "c"])},
]
OPCODES = [getattr(pickle, name) for name in dir(pickle) if name.isupper()]
OPCODES = [code for code in OPCODES if isinstance(code, bytes) and len(code) == 1]


VALUES = [0, -1, 7, 1 << 40, b"b", "f8", "O", b"\x01" * 8, (), (1,), None]
COLLECT = [b"(", b"t", b"\x85", b"\x86", b"\x87", b"]", b"}"]
ACT = [b"R", b"b", b"0", b"2", b"a", b"s", b"q\x00", b"h\x00", b"\x81"]


def mutated(rng: random.Random, good: bytes) -> bytes:
    """A good pickle with bytes changed, removed, repeated or swapped."""
    data = bytearray(good)
    for _ in range(rng.randint(1, 6)):
        at, n = rng.randrange(len(data)), rng.randint(1, 8)
        match rng.randrange(4):
            case 0:
                data[at] = rng.randrange(256)
            case 1:
                del data[at : at + n]
            case 2:
                data[at:at] = data[at : at + n]
            case 3:
                data[at : at + 1] = rng.choice(OPCODES)
        data = data or bytearray(b".")
    return bytes(data)


def made_up(rng: random.Random) -> bytes:
    """Opcodes that name what is allowed, with values that may or may not fit."""
    data = bytearray(b"\x80\x04")
    for _ in range(rng.randint(3, 30)):
        match rng.randrange(5):
            case 0:
                module, name = rng.choice(list(_ALLOWED))
                data += f"c{module}\n{name}\n".encode()
            case 1:
                value = rng.choice(
                    [0, -1, 7, 1 << 40, b"b", "f8", "O", b"\x01" * 8, (), (1,), None]
                )
                data += pickle.dumps(value, 2)[2:-1]
            case 2:
                data += rng.choice(COLLECT)
            case _:
                data += rng.choice(
                    [b"R", b"b", b"0", b"2", b"a", b"s", b"q\x00", b"h\x00", b"\x81"]
                )
    return bytes(data + b".")


def watch(event: str, _: tuple) -> None:
    if watching and event.startswith(FORBIDDEN):
        faulthandler.dump_traceback()
        raise SystemExit(f"a pickle brought about {event}")


faulthandler.enable()
# Those of PyTorch are printed with the line of its source that gives them.
warnings.simplefilter("ignore")
watching = False
n = int(sys.argv[1])
goods = [pickle.dumps(value, protocol) for value in GOOD for protocol in range(6)]
# What is imported at the first use is imported now.
for good in goods:
    repr(_Unpickler(io.BytesIO(good), "good").load())
sys.addaudithook(watch)
read = 0
for seed in range(n):
    rng = random.Random(seed)
    data = mutated(rng, rng.choice(goods)) if seed % 2 else made_up(rng)
    watching = True
    try:
        repr(_Unpickler(io.BytesIO(data), "bad").load())
        read += 1
    except Exception:
        pass
    finally:
        watching = False
print(f"{n} tried, {read} read")
