"""What holds of every metric there is, and of the means of scores."""

import numpy as np
import pytest

from flowpose.evaluation.flow_metrics import FLOW_METRICS, compare_flow
from flowpose.evaluation.metric import PoseComparison, Scores, masked_mean
from flowpose.evaluation.pose_metrics import POSE_METRICS
from flowpose.evaluation.sequence_scores import METRICS
from flowpose.flow.true_flow_file import TrueField

T, HEIGHT, WIDTH = 6, 30, 40
# How a name ends that is of a unit; the reference's end-point error is known by its own name.
ENDINGS = {
    "mm": "_mm",
    "mm/frame²": "_mm",
    "m/s²": "_m_s2",
    "m/s³": "_m_s3",
    "px": ("_px", "_reference"),
    "%": "_percent",
}
BEST = {"lower": 0, "higher": 100}
FPS = 10.0
each = pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)


@pytest.fixture
def joints_2d(rng):
    """Fourteen joints that all move by (2, 1) px a frame, on the image, far from each other."""
    start = np.stack(np.meshgrid(np.arange(7) * 4, [2, 15]), -1).reshape(14, 2)
    return start + np.arange(T)[:, None, None] * np.array([2.0, 1])


@pytest.fixture
def glide(body):
    """The body on its way to the right and to us, stiff."""
    return body + np.arange(T)[:, None, None] * np.array([0.05, 0.01, 0.02])


def pose_scores(metric, pose, pose_2d, true, true_2d, known):
    compared = PoseComparison(
        predicted=pose,
        estimated=known,
        true=true,
        known=known,
        predicted_2d=pose_2d,
        true_2d=true_2d,
        known_2d=known,
        detections=true_2d,
        time=np.arange(T) / FPS,
    )
    return metric.score(compared)


def true_field(known, height, width):
    """All moves by (2, 1) px, and the person fills the left half."""
    flow = np.full((height, width, 2), np.float32([2, 1]) if known else np.float32(np.nan))
    return TrueField(flow, np.tile(np.arange(width) < width // 2, (height, 1)))


@pytest.fixture
def scored(glide, joints_2d):
    """Scores a perfect estimate by a metric where some of it and of the truth (T, 14) is known."""

    def run(metric, known) -> Scores:
        true, true_2d = (np.where(known[..., None], x, np.nan) for x in (glide, joints_2d))
        if metric in POSE_METRICS:
            return pose_scores(metric, glide, joints_2d, true, true_2d, known)
        flows = np.tile(np.float32([2, 1]), (T - 1, HEIGHT, WIDTH, 1))
        fields = [true_field(known[t : t + 2].any(1).all(), HEIGHT, WIDTH) for t in range(T - 1)]
        return metric.score(compare_flow(flows, true_2d, true_2d, fields, reference=False))

    return run


@each
def test_a_perfect_estimate_has_the_best_value(metric, scored):
    scores = scored(metric, np.ones((T, 14), bool))
    assert scores.valid.all() and len(scores.values) == (T - metric.span + 1 if metric.span else 1)
    np.testing.assert_allclose(scores.values, BEST[metric.better], atol=1e-9)
    assert scores.unit == metric.unit


@pytest.mark.parametrize("metric", [m for m in METRICS if m.span], ids=lambda metric: metric.name)
def test_what_is_not_known_counts_nowhere(metric, scored):
    """A value counts where what it is of is known in all frames it needs; else none does."""
    known = np.ones((T, 14), bool)
    known[2, 5:] = False
    scores = scored(metric, known)
    first, last = max(2 - metric.span + 1, 0), min(2, T - metric.span)
    if scores.values.ndim > 1:
        assert not scores.valid[first : last + 1, 5:].any()
        assert scores.valid.sum() == scores.valid.size - (last - first + 1) * 9
    assert scores.mean() == pytest.approx(BEST[metric.better], abs=1e-9)
    known[2] = False
    assert not scored(metric, known).valid[first : last + 1].any()
    assert np.isnan(scored(metric, np.zeros((T, 14), bool)).mean())


@each
def test_a_wrong_estimate_has_a_worse_value(metric, walk, joints_2d, rng):
    if metric in POSE_METRICS:
        wrong = walk + rng.normal(0, 0.2, walk.shape)
        wrong_2d = joints_2d + rng.normal(0, 2, joints_2d.shape)
        known = np.ones((T, 14), bool)
        scores = pose_scores(metric, wrong, wrong_2d, walk, joints_2d, known)
    else:
        flows = np.zeros((T - 1, HEIGHT, WIDTH, 2), np.float32)
        fields = [true_field(True, HEIGHT, WIDTH)] * (T - 1)
        compared = compare_flow(flows, joints_2d, joints_2d, fields, reference=False)
        scores = metric.score(compared)
    better = {"lower": -1, "higher": 1}[metric.better]
    assert better * scores.mean() < better * BEST[metric.better] - 0.5


@each
def test_an_entry_is_complete(metric):
    assert metric.name.endswith(ENDINGS[metric.unit])
    assert metric.title and metric.heading == f"{metric.title} ({metric.unit})"
    assert metric.summary and metric.summary == metric.summary.strip()
    # A cell of a table of markdown.
    assert not set(metric.summary) & set("\n|") and not metric.summary.endswith((".", ";", ","))
    assert metric.span in (None, 1, 2, 3, 4) and metric.digits >= 0
    names = {other.name for other in METRICS if not other.instead_of}
    assert metric.instead_of in names if metric.instead_of else not metric.spare


def test_names_and_headings_are_unique():
    assert (*POSE_METRICS, *FLOW_METRICS) == METRICS
    for key in ("name", "heading"):
        assert len({getattr(metric, key) for metric in METRICS}) == len(METRICS)


def test_mean_is_over_valid_entries():
    values = np.array([1.0, np.nan, 5.0])
    assert masked_mean(values, np.array([True, False, True])) == 3
    assert np.isnan(masked_mean(values, np.zeros(3, bool)))


def test_means_leave_out_what_is_not_valid():
    values = np.array([[1.0, 3], [np.nan, 8], [np.nan, np.nan]])
    scores = Scores(values, np.isfinite(values), "px")
    assert scores.mean() == 4
    np.testing.assert_array_equal(scores.frame_means(), [2, 8, np.nan])
    of_frames = Scores(values[:, 0], np.isfinite(values[:, 0]), "px")
    np.testing.assert_array_equal(of_frames.frame_means(), [1, np.nan, np.nan])
