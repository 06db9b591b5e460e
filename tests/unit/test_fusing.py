import numpy as np

from flowpose.adaptation.fusing import fused_flows
from flowpose.adaptation.target import blocks_target


def test_the_pose_moves_where_it_is_drawn_and_the_flow_stays_elsewhere(body, rng):
    joints = body[:, :2] * 100 + 100 + np.arange(3)[:, None, None] * np.array([3.0, -1.0])
    flows = rng.normal(size=(2, 200, 200, 2)).astype(np.float32)
    before = flows.copy()
    target = blocks_target(joints, (200, 200), radius=4)
    found = list(fused_flows(flows, target.drawing))
    assert len(found) == 2
    for t, fused in enumerate(found):
        drawn = target.drawing(t).part >= 0
        assert 0.02 < drawn.mean() < 0.5
        np.testing.assert_allclose(fused[drawn], [[3, -1]] * drawn.sum(), atol=1e-5)
        np.testing.assert_array_equal(fused[~drawn], before[t][~drawn])
    np.testing.assert_array_equal(flows, before)
