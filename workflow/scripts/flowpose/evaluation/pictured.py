"""Which metrics pictures show: each with those that stand in for it, where it is not known."""

from flowpose.evaluation.flow_metrics import FLOW_METRICS
from flowpose.evaluation.metric import Metric
from flowpose.evaluation.pose_metrics import POSE_METRICS

_SHOWN: tuple[Metric, ...] = tuple(
    metric for metric in (*FLOW_METRICS, *POSE_METRICS) if metric.pictured
)
PICTURED = tuple(
    (metric, *(other for other in _SHOWN if other.instead_of == metric.name))
    for metric in _SHOWN
    if not metric.instead_of
)
