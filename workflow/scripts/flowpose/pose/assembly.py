"""From estimates of any format to a sequence's pose and keypoints.

Frames, px, skeletons, people, cameras and gaps are seen to here, once for all formats.
"""

import logging
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float, Int

from flowpose.errors import check
from flowpose.pose.estimates import CropCamera, Detections, Estimates, Joints
from flowpose.pose.gaps import check_gaps, interpolated
from flowpose.pose.keypoint_file import Keypoints
from flowpose.pose.pose_file import Pose
from flowpose.pose.skeletons import METRO_14, convert, convert_confidence
from flowpose.pose.weak_perspective import Crop, fit_weak_perspective
from flowpose.video.frames_file import FramesHeader, View

# Estimates in fewer than this part of the frames, or that end more than so many frames off, are of
# another sequence. (Decoders differ in a video's last frames.)
_LEAST_PART = 0.5
_FRAMES_OFF = 2
# So are detections that are mostly farther from the pose than this part of its size.
_FARTHEST = 0.2
# A camera is fitted to fewer joints than these only where that succeeds.
_ENOUGH_JOINTS = 7
# A person smaller than this, px, is in other units, or too small for any flow.
_LEAST_SIZE_PX = 16

_log = logging.getLogger(__name__)


def assemble_estimates(
    joints: Joints, detections: Detections, header: FramesHeader
) -> tuple[Pose, Keypoints]:
    """The pose and the keypoints of the frames that are used, METRO_14, px of these frames.

    A frame that the joints lack is interpolated between its neighbours, if these are near
    (`gaps.LONGEST_S`), and marked missing. Of several people detected in a frame the one nearest
    to the pose is taken; a frame without any has confidence 0. Joints without a camera get the one
    that brings them closest to the detections, weighted by confidence.

    Raises:
        InputError: estimates are of another video, of other frames or of somebody else, or lacking
            for too long; or several people were detected and nothing tells them apart.
    """
    for estimates in (joints, detections):
        _check_video(estimates, header)
    used, points, camera, picture = _in_used_frames(joints, header)
    missing = tuple(sorted(set(range(len(points))) - set(used)))
    if camera is not None:
        pose = Pose(points, camera.parameters, camera.crop, missing)
        keypoints = _of_one_person(detections, header, pose.project())
        pose = replace(pose, crop=_of_view(pose.crop, header.view))
    else:
        keypoints = _of_one_person(detections, header, picture)
        where = f"{joints.source} and {detections.source}"
        pose = _with_fitted_camera(points, missing, keypoints, header, where)
    _check_picture(pose, header, joints.source)
    # A camera that is fitted brings joints to anybody's keypoints.
    estimated = pose.project() if picture is None else header.view.to_frame(picture)
    _check_person(keypoints, estimated, detections.source)
    return pose, keypoints


def _check_video(estimates: Estimates, header: FramesHeader) -> None:
    """Refuse estimates of a video of another size, or of more or fewer frames."""
    size, n, used = estimates.image_size, estimates.n_frames, len(header.index)
    check(
        size in (None, header.video.size),
        estimates.source,
        f"estimates of a video of {_by(size)}, it has {_by(header.video.size)}",
        "are they of another video?",
    )
    if n is None:
        return
    if estimates.numbering == "used":
        check(
            abs(n - used) <= _FRAMES_OFF,
            estimates.source,
            f"estimates of {n} frames, {used} are used",
            "are they of another video, or do frames.first and frames.step differ from theirs?",
        )
    else:
        check(
            n > header.index[-1],
            estimates.source,
            f"estimates of {n} frames, frame {header.index[-1]} of the video is used",
            "are they of another video, or of a part of it?",
        )


def _by(size: tuple[int, int] | None) -> str:
    return f"{size[0]} x {size[1]} px" if size else "unknown size"


def _places(frames: Int[np.ndarray, "n"], estimates: Estimates, header: FramesHeader) -> list[int]:
    """Which of the frames that are used each row is of; -1: of none."""
    n = len(header.index)
    if estimates.numbering == "used":
        return [frame if 0 <= frame < n else -1 for frame in frames.tolist()]
    places = {frame: place for place, frame in enumerate(header.index.tolist())}
    return [places.get(frame, -1) for frame in frames.tolist()]


def _check_part(estimates: Estimates, n_known: int, n_used: int) -> None:
    """Refuse estimates that are there in too few of the frames."""
    check(
        n_known >= _LEAST_PART * n_used,
        estimates.source,
        f"estimates in {n_known} of the {n_used} frames that are used, at least half are needed",
        "are they of another sequence? If not, use the part of it in which the person is seen: "
        "frames.start and frames.end",
    )


def _in_used_frames(
    joints: Joints, header: FramesHeader
) -> tuple[
    list[int], Float[np.ndarray, "T 14 3"], CropCamera | None, Float[np.ndarray, "T 14 2"] | None
]:
    """The frames that the joints have, and of all, interpolated where need be, the rest of it:

    joints, camera, and where the joints are in the picture, video px.
    """
    n = len(header.index)
    check(bool((np.diff(joints.frames) > 0).all()), joints.source, "frames out of order, or twice")
    places = np.array(_places(joints.frames, joints, header), int)
    rows = np.flatnonzero(places >= 0)
    known = places[rows].tolist()
    _check_part(joints, len(known), n)

    # Frames used have other numbers once another is the first.
    again = ", and estimates of these" if joints.numbering == "used" else ""
    check_gaps(known, header, joints.source, "no estimate", again)
    if len(known) < n:
        absent = np.setdiff1d(np.arange(n), known)
        _log.warning(
            "%s: no estimate in frames %s: interpolated, they count in no error",
            *(joints.source, header.index[absent].tolist()),
        )

    def filled(values: Float[np.ndarray, "n *shape"]) -> Float[np.ndarray, "T *shape"]:
        return interpolated(values[rows], known, header)

    points = convert(filled(joints.points), joints.skeleton, METRO_14)
    unknown = ~np.isfinite(points).all((0, 2))
    lacking = [joint for joint, lacks in zip(METRO_14.joints, unknown, strict=True) if lacks]
    check(not lacking, joints.source, f"all joints of METRO are needed, {lacking} are not known")
    picture = camera = None
    if joints.picture is not None:
        picture = convert(filled(joints.picture), joints.skeleton, METRO_14)
    if joints.camera is not None:
        crop = joints.camera.crop
        crop = Crop(filled(crop.scale), filled(crop.start), crop.size)
        camera = CropCamera(filled(joints.camera.parameters), crop)
    return known, points, camera, picture


def _of_one_person(
    detections: Detections, header: FramesHeader, near: Float[np.ndarray, "T 14 2"] | None
) -> Keypoints:
    """The keypoints of the person who is nearest to where the pose is in the video, px."""
    points = convert(detections.points, detections.skeleton, METRO_14)
    confidence = convert_confidence(detections.confidence, detections.skeleton, METRO_14)
    found = (confidence > 0) & np.isfinite(points).all(-1)
    n = len(header.index)
    people: list[list[int]] = [[] for _ in range(n)]
    frames = _from_zero(detections, n, points, found, near)
    for row, place in enumerate(_places(frames, detections, header)):
        if place >= 0 and found[row].any():
            people[place].append(row)
    seen = [place for place, rows in enumerate(people) if rows]
    _check_part(detections, len(seen), n)
    crowded = [int(header.index[place]) for place, rows in enumerate(people) if len(rows) > 1]
    check(
        near is not None or not crowded,
        detections.source,
        f"several people in frames {crowded[:3]}, and the pose does not say which of them it is of",
        "give detections of one person, or a pose estimate with a camera",
    )
    rows = [
        rows[0] if near is None else min(rows, key=_distance_from(near[place], points, found))
        for place, rows in enumerate(people)
        if rows
    ]
    joints_2d = np.full((n, len(METRO_14), 2), np.nan, points.dtype)
    joints_2d[seen] = points[rows]
    sure = np.zeros((n, len(METRO_14)), confidence.dtype)
    sure[seen] = confidence[rows]
    return Keypoints(header.view.to_frame(joints_2d), sure)


def _from_zero(
    detections: Detections,
    n_used: int,
    points: Float[np.ndarray, "n 14 2"],
    found: Bool[np.ndarray, "n 14"],
    near: Float[np.ndarray, "T 14 2"] | None,
) -> Int[np.ndarray, "n"]:
    """The numbers of detections' frames; some detectors count those used from one.

    Where the numbers would fit both, it is the one by which the detections are nearer to the pose.
    """
    frames = detections.frames
    if detections.numbering == "video" or not len(frames) or frames.min() < 1:
        return frames
    if near is None:
        return frames - 1 if frames.max() == n_used else frames

    def distance(frames: Int[np.ndarray, "n"]) -> float:
        there = (frames < n_used) & found.any(1)
        off = np.linalg.norm(points[there] - near[frames[there]], axis=-1)
        return float(np.median(off[found[there]])) if there.any() else np.inf

    from_zero, from_one = distance(frames), distance(frames - 1)
    _log.info(
        "%s: median distance from the pose %.1f px if frames count from 0, %.1f px if from 1",
        *(detections.source, from_zero, from_one),
    )
    return frames - 1 if from_one < from_zero else frames


def _distance_from(
    near: Float[np.ndarray, "14 2"],
    points: Float[np.ndarray, "n 14 2"],
    found: Bool[np.ndarray, "n 14"],
) -> Callable[[int], float]:
    """How far a row is from a pose, px; a joint that was not found is as bad as one far away."""
    far = _FARTHEST * float(_size(near))

    def distance(row: int) -> float:
        distances = np.nan_to_num(np.linalg.norm(points[row] - near, axis=-1), nan=far)
        return float(np.where(found[row], np.minimum(distances, far), far).mean())

    return distance


def _with_fitted_camera(
    points: Float[np.ndarray, "T 14 3"],
    missing: tuple[int, ...],
    keypoints: Keypoints,
    header: FramesHeader,
    where: str,
) -> Pose:
    """A pose with the cameras that fit it to the keypoints, interpolated where nothing was seen."""
    crop = Crop.whole_image(len(points), *header.view.size)
    camera = fit_weak_perspective(points, keypoints.joints_2d, keypoints.confidence, crop)
    fits = camera[:, 0] > 0
    unfit = header.index[~fits & ((keypoints.confidence > 0).sum(1) >= _ENOUGH_JOINTS)]
    check(
        not len(unfit),
        where,
        f"no camera brings them together in frame {unfit[0] if len(unfit) else 0}",
        "are they of the same person?",
    )
    known = np.flatnonzero(fits).tolist()
    check(bool(known), where, "no camera brings them together", "are they of the same person?")
    remedy = "; or give a pose estimate with a camera"
    check_gaps(known, header, where, "too few joints for a camera", remedy)
    if len(known) < len(points):
        _log.warning("%s: too few joints, camera interpolated: %s", where, header.index[~fits])
    return Pose(points, interpolated(camera[fits], known, header), crop, missing)


def _of_view(crop: Crop, view: View) -> Crop:
    """Crops of the video's picture as crops of a view of it.

    The view's scale in x is taken for both; its rounding in y is less than half a px.
    """
    (x, y, _, _), scale = view.crop, view.scale[0]
    middle = (0.5 - np.array([x, y])) * scale - 0.5
    crop_scale = crop.scale / scale
    return Crop(crop_scale, crop.start + middle * crop_scale[:, None], crop.size)


def _check_picture(pose: Pose, header: FramesHeader, where: str) -> None:
    """Refuse a pose that is a few px large, or mostly outside the frames."""
    projected, size = pose.project(), np.array(header.view.size)
    extent = float(np.median(np.linalg.norm(np.ptp(projected, axis=1), axis=-1)))
    check(
        extent >= _LEAST_SIZE_PX,
        where,
        f"the person is {extent:.1f} px large in frames of {_by(header.view.size)}, at least "
        f"{_LEAST_SIZE_PX} px are needed",
        "are joints in the picture given in px of the video, and not as fractions of it?",
    )
    inside = float(((projected >= 0) & (projected <= size - 1)).all(-1).mean())
    check(
        inside >= _LEAST_PART,
        where,
        f"{inside:.0%} of the joints lie in the frames of {_by(header.view.size)}, at least "
        f"{_LEAST_PART:.0%} are needed",
        "does the sequence's crop miss the person?",
    )


def _check_person(keypoints: Keypoints, estimated: Float[np.ndarray, "T 14 2"], where: str) -> None:
    """Refuse detections of somebody who is elsewhere than the pose in the picture."""
    distances = np.linalg.norm(keypoints.joints_2d - estimated, axis=-1)
    found = (keypoints.confidence > 0) & np.isfinite(distances)
    seen = found.any(1)
    means = [frame[known].mean() for frame, known in zip(distances[seen], found[seen], strict=True)]
    typical = float(np.median(means / _size(estimated[seen])))
    check(
        typical < _FARTHEST,
        where,
        f"detections lie {typical:.1f} of the person's size from where the estimated pose is",
        "are they of another sequence?",
    )


def _size(points: Float[np.ndarray, "*n 14 2"]) -> Float[np.ndarray, "*n"]:
    """The diagonal of a person's box, px, by the joints that are known."""
    extent = np.nanmax(points, axis=-2) - np.nanmin(points, axis=-2)
    return np.asarray(np.linalg.norm(extent, axis=-1))
