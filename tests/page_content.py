"""What a page shows of six frames whose poses, truth and scores are known."""

from dataclasses import replace

import numpy as np

from flowpose.evaluation.flow_metrics import FLOW_METRICS
from flowpose.evaluation.metric import Scores
from flowpose.evaluation.pose_scores import write_pose_scores
from flowpose.evaluation.sequence_scores import ScoreFiles, SequenceScores, read_sequence_scores
from flowpose.pictures.sequence_page import PageContent
from flowpose.pictures.small_frames import SmallFrames, encoded
from flowpose.pose.pose_file import Pose
from flowpose.pose.skeletons import METRO_14
from flowpose.pose.truth_file import Truth
from flowpose.pose.weak_perspective import Crop
from flowpose.video.decoding import VideoInfo
from flowpose.video.frames_file import FramesHeader, View

N, WIDTH, HEIGHT = 6, 320, 240
TIME = np.arange(N) / 10
# The grey of each frame: no two are alike.
GREYS = 40 + 30 * np.arange(N)
# Of the flow's errors at the true joints, px: in joint j of pair t it is t + j / 100, later half.
EPE = np.arange(N - 1)[:, None] + np.arange(14) / 100


def pose_of(joints, missing=()):
    """A pose in the middle of the frames, 100 px a metre."""
    n = len(joints)
    camera = np.tile([100 / (WIDTH / 2), 0.0, 0.0], (n, 1))
    return Pose(joints, camera, Crop.whole_image(n, WIDTH, HEIGHT), missing)


def flow_scores(epe):
    """Scores of a flow: its error, and half of that from the pose; of other metrics nothing."""
    known = {"epe_px": epe, "pose_flow_px": epe / 2}
    unknown = np.full_like(epe, np.nan)
    scores = {}
    for metric in FLOW_METRICS:
        values = known.get(metric.name, unknown)
        scores[metric.name] = Scores(values, np.isfinite(values), metric.unit)
    return scores


def content_of(folder, joints, true, provenance, *, missing=()) -> PageContent:
    """A page's content.

    Args:
        joints: (N, 14, 3) m, as refined; before, each was moved by 1, 2, 3, ... cm to the right.
        true: (N, 14, 3) m; NaN: not known.
        missing: frames that the estimator lacks.
    """
    shift = np.zeros((14, 3))
    shift[:, 0] = np.arange(1, 15) / 100
    poses = [pose_of(joints + shift, missing), pose_of(joints, missing)]
    true_2d = pose_of(true).project().astype(float)
    truth = Truth(true, true_2d, METRO_14.joints, TIME)
    marks = [{"repaired": np.arange(N) == k, "masked": np.zeros(N, bool)} for k in (1, 3)]
    path = folder / "pose_scores.h5"
    detections = poses[1].project().astype(float)
    write_pose_scores(path, poses, marks, truth, detections, provenance)
    scores = read_sequence_scores(ScoreFiles(path, []))
    epe = np.where(np.isfinite(np.diff(true_2d, axis=0)).all(-1), EPE, np.nan)
    flows = [flow_scores(epe), flow_scores(epe / 2)]
    for of in flows if np.isnan(epe).all() else ():
        of["pose_flow_px"] = Scores(EPE, np.full(EPE.shape, True), "px")
    frames = [np.full((HEIGHT, WIDTH, 3), grey, np.uint8) for grey in GREYS]
    return PageContent(
        'walk <b>&"1"</b>',
        SmallFrames((WIDTH, HEIGHT), [encoded(frame, WIDTH) for frame in frames]),
        FramesHeader(
            np.arange(N) * 5,
            TIME,
            VideoInfo((WIDTH, HEIGHT), 50.0, 5 * N),
            View((0, 0, WIDTH, HEIGHT)),
        ),
        poses,
        truth,
        SequenceScores(scores.scored, scores.poses, scores.marks, flows),
        cycles=2,
    )


def without_pose_after(content: PageContent) -> PageContent:
    """As if no pose had been refined."""
    scores = replace(content.scores, poses=content.scores.poses[:1], marks=content.scores.marks[:1])
    return replace(content, poses=content.poses[:1], scores=scores)
