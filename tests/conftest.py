"""What all tests share: one thread, small inputs."""

import os

# As a job has it. Two, where there are more tests than cores, wait for each other.
os.environ["OPENBLAS_NUM_THREADS"] = "1"
# Threads that wait leave their core to others.
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"

import numpy as np
import pytest
import torch
from hypothesis import settings
from jaxtyping import install_import_hook

# Arguments, results and fields are checked against their annotations, shapes of arrays included.
# Before anything of flowpose is imported: what is there already stays unchecked.
install_import_hook("flowpose", "shapes.checked")

from flowpose.storage.provenance import Provenance  # noqa: E402

torch.set_num_threads(1)
# The same examples in every run; no deadline, as the machine may be busy.
settings.register_profile("flowpose", derandomize=True, deadline=None, max_examples=50)
settings.load_profile("flowpose")


# The files that take longest, the longest first: else a worker is left alone with one at the end.
_LONGEST = ["reference", "demo", "human36m", "bad_input", "faults", "reruns", "repair_rates"]

# METRO_14 joints of a man who stands with his arms out, mm from the middle of his hips.
_BODY_MM = [
    (-110, 850, 30),
    (-120, 430, 10),
    (-130, 0, 0),
    (130, 0, 0),
    (120, 430, -20),
    (140, 840, 40),
    (-600, -420, -60),
    (-420, -440, 20),
    (-180, -480, 30),
    (180, -480, 30),
    (430, -450, -10),
    (640, -400, 50),
    (0, -500, 40),
    (10, -740, -20),
]


def pytest_collection_modifyitems(items):
    """Have the longest files tested first, then other runs of the workflow, units last."""

    def place(item):
        name = item.path.stem.removeprefix("test_")
        rank = _LONGEST.index(name) if name in _LONGEST else len(_LONGEST)
        return rank, item.path.parent.name != "workflow"

    items.sort(key=place)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def body():
    """A plausible pose: METRO_14 joints, m, x right, y down."""
    return np.array(_BODY_MM) / 1000


@pytest.fixture
def walk(body, rng):
    """Six poses (6, 14, 3): the body on its way to the right, each joint swaying by itself."""
    steps = np.arange(6)[:, None, None] * np.array([0.05, 0.01, 0.02])
    return body + steps + rng.normal(0, 0.02, (6, 14, 3))


@pytest.fixture
def provenance():
    return Provenance(
        stage="stage",
        parameters={"radius": 15},
        threads=4,
        code="c0de",
        inputs={"in.h5": "d1gest"},
    )
