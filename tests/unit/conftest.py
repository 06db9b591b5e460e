"""A web server for the tests of downloads, which can stand for all of the web; files of scores.

With FLOWPOSE_DEVICE=cuda only those tests run that can run on a GPU, and there.
"""

import os
from urllib.parse import urlsplit

import numpy as np
import pytest
import requests
import torch
from web import serving

from flowpose.evaluation.flow_metrics import FLOW_METRICS
from flowpose.evaluation.frame_marks import MARKS
from flowpose.evaluation.metric import Scores
from flowpose.evaluation.pose_metrics import POSE_METRICS
from flowpose.evaluation.score_files import add_scores
from flowpose.evaluation.sequence_scores import ScoreFiles
from flowpose.pose.skeletons import METRO_14
from flowpose.runtime.devices import prepare
from flowpose.storage import stage_files

DEVICE = os.environ.get("FLOWPOSE_DEVICE")


def pytest_collection_modifyitems(config, items):
    if DEVICE is not None:
        others = [item for item in items if "device" not in getattr(item, "fixturenames", ())]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in others]


@pytest.fixture(scope="session")
def device():
    """The device to compute on, in full float32 and repeatable."""
    prepare(threads=1)
    return torch.device(DEVICE or "cpu")


@pytest.fixture
def server(monkeypatch):
    # Between tries.
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setenv("NO_PROXY", "*")
    with serving() as server:
        yield server


@pytest.fixture
def web(server, monkeypatch):
    """The server in the place of every other: it finds their files under their host's name."""
    send = requests.adapters.HTTPAdapter.send

    def send_here(adapter, request, **settings):
        parts = urlsplit(request.url)
        if parts.scheme == "https":
            query = f"?{parts.query}" if parts.query else ""
            request.url = server.url(f"/{parts.netloc}{parts.path}{query}")
        return send(adapter, request, **settings)

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send_here)
    return server


@pytest.fixture
def no_network(monkeypatch):
    """Every connection is refused, at once."""

    def refuse(*_, **__):
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setattr("urllib3.connection.connection.create_connection", refuse)


@pytest.fixture
def files_under():
    def files(folder):
        return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())

    return files


@pytest.fixture
def score_files(tmp_path, provenance):
    """Writes the scores of a sequence: every metric has the same mean, one given a pose and flow.

    Or a mean by name, and nothing is known of other metrics. The frames that are not scored have
    wrong values. NaN: nothing is known. `repaired`: so many frames of each pose.
    """

    def run(name, *, poses, flows, n_frames=10, n_scored=10, repaired=None):
        scored = np.arange(n_frames) < n_scored

        def add(group, metrics, mean):
            valid = scored[:, None].repeat(14, 1)
            for metric in metrics:
                of_metric = mean.get(metric.name, np.nan) if isinstance(mean, dict) else mean
                # One mean, or one a frame.
                values = np.where(valid, np.reshape(of_metric, (-1, 1)), 1e6)
                scores = Scores(values, valid & np.isfinite(values), metric.unit)
                add_scores(group, metric.name, scores, METRO_14.joints, axes=("frame", "joint"))

        files = ScoreFiles(
            tmp_path / name / "pose_scores.h5",
            [tmp_path / name / f"flow_scores_{k}.h5" for k in range(len(flows))],
        )
        (tmp_path / name).mkdir()
        with stage_files.create(files.poses, provenance) as h5:
            stage_files.add(h5, "scored", scored, axes="frame")
            for k, mean in enumerate(poses):
                group = h5.create_group(f"pose_{k}")
                add(group, POSE_METRICS, mean)
                for mark in MARKS:
                    n = repaired[k] if repaired and mark == "repaired" else 0
                    stage_files.add(group, mark, np.arange(n_frames) < n, axes="frame")
        for path, mean in zip(files.flows, flows, strict=True):
            with stage_files.create(path, provenance) as h5:
                add(h5, FLOW_METRICS, mean)
        return files

    return run


@pytest.fixture
def failed_files(score_files, provenance):
    """Writes the scores of a sequence whose flow failed in the first cycle, and why."""

    def run(name, reason):
        files = score_files(name, poses=[1], flows=[1, 1])
        stage_files.write_failure(files.flows[0], provenance, reason)
        return files

    return run
