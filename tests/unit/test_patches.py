from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpose.errors import InputError
from flowpose.flow.patches import FlowPatches
from flowpose.flow.sampling import flow_slope, sample_flow, sample_flow_reference
from flowpose.pose.pose_file import Pose
from flowpose.pose.weak_perspective import Crop
from flowpose.refinement.energy import PoseWeights
from flowpose.refinement.refine import PoseOptions, refine_pose

N, HEIGHT, WIDTH = 3, 30, 40
FLOWS = np.random.default_rng(0).normal(0, 3, (N, HEIGHT, WIDTH, 2)).astype(np.float32)
# The first also tells the size.
ONCE = [0, 0, 1, 2]


class CountingFlows:
    """Fields that count how often they are read."""

    def __init__(self):
        self.reads = []

    def __len__(self):
        return N

    def __getitem__(self, t):
        self.reads.append(t)
        return FLOWS[t]


def test_fields_are_read_once_while_points_stay_near():
    flows, points = CountingFlows(), np.full((N, 2, 2), 15.0)
    patches = FlowPatches(flows, points, margin=4)
    for shift in (0, 3.9, -3.9):
        sample_flow(patches, points + shift)
    assert flows.reads == ONCE


def test_only_the_field_that_a_point_leaves_is_read_again():
    flows, points = CountingFlows(), np.full((N, 2, 2), 15.0)
    patches = FlowPatches(flows, points, margin=4)
    points[1, 0, 0] += 12
    value, _ = sample_flow(patches, points)
    np.testing.assert_array_equal(value[1, 0], FLOWS[1, 15, 27])
    assert flows.reads == [*ONCE, 1]
    sample_flow(patches, points)
    assert len(flows.reads) == len(ONCE) + 1


def test_fields_and_points_must_be_as_many():
    with pytest.raises(InputError, match="flow: 3 fields for 2 pairs of frames"):
        FlowPatches(FLOWS, np.zeros((2, 14, 2)))


@given(st.integers(0, 10**6), st.integers(0, 20), st.sampled_from([5, 100]))
def test_patches_of_any_size_give_what_the_whole_fields_do(seed, margin, spread):
    rng = np.random.default_rng(seed)
    before, after = rng.normal([WIDTH / 2, HEIGHT / 2], spread, (2, N, 4, 2))
    before[0, 0] = np.nan
    patches, whole = (FlowPatches(FLOWS, before, m) for m in (margin, 2 * WIDTH))
    for points in (before, after, np.abs(after).round() % (30, 20)):
        for sample in (sample_flow, sample_flow_reference, flow_slope):
            if sample is sample_flow_reference and np.isnan(points).any():
                continue
            ours, expected = (
                np.concatenate([*map(np.ravel, sample(p, points))]) for p in (patches, whole)
            )
            np.testing.assert_array_equal(ours, expected)


def test_slope_is_that_of_the_flow():
    rng = np.random.default_rng(1)
    points = rng.uniform(-5, 45, (N, 50, 2))
    patches = FlowPatches(FLOWS, points)
    slope, step = flow_slope(patches, points), 1e-6
    for axis in (0, 1):
        move = step * np.eye(2)[axis]
        ahead, behind = (sample_flow(patches, points + s * move)[0] for s in (1, -1))
        inside = sample_flow(patches, points)[1]
        numeric = np.where(inside[..., None], (ahead - behind) / (2 * step), 0)
        np.testing.assert_allclose(slope[..., axis], numeric, atol=1e-6)


@pytest.fixture
def walking(walk, rng):
    """A pose whose joints are drawn far by strange flow."""
    crop = Crop.whole_image(4, WIDTH, HEIGHT)
    pose = Pose(walk[:4], np.tile([0.8, 0, -0.05], (4, 1)), crop)
    keypoints = pose.project() + rng.normal(0, 5, (4, 14, 2))
    return pose, keypoints, np.ones((4, 14)), FLOWS


@pytest.mark.parametrize("solver", ["adam", "gauss_newton"])
def test_refinement_does_not_depend_on_the_size_of_the_patches(walking, monkeypatch, solver):
    options = PoseOptions(weights=PoseWeights(flow=1), solver=solver, steps=50)
    results = []
    for margin in (0, 16, 200):
        monkeypatch.setattr(
            "flowpose.refinement.energy.FlowPatches", partial(FlowPatches, margin=margin)
        )
        results.append(refine_pose(*walking, options=options))
    for result in results[1:]:
        np.testing.assert_array_equal(result.loss, results[0].loss)
        np.testing.assert_array_equal(result.pose.joints_3d, results[0].pose.joints_3d)
