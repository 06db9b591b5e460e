"""From what readers return to the pose and the keypoints of the frames that are used."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpose.errors import InputError
from flowpose.pose.assembly import assemble_estimates
from flowpose.pose.estimates import CropCamera, Detections, Joints
from flowpose.pose.skeletons import METRO_14, Skeleton, convert
from flowpose.pose.weak_perspective import Crop
from flowpose.readers.mediapipe import MEDIAPIPE_33
from flowpose.video.decoding import VideoInfo
from flowpose.video.frames_file import FramesHeader, View

F, SIZE, FPS = 10, (640, 480), 30
USED = np.array([1, 4, 7, 8])
PX_PER_M = 150
MIDDLE = np.array([250, 240])
L_WRIST = METRO_14.index["l_wrist"]


def header(index=USED, crop=(40, 60, 400, 400), width=200):
    index = np.array(index)
    return FramesHeader(index, index / FPS, VideoInfo(SIZE, FPS, F), View.of(SIZE, crop, width))


@pytest.fixture
def world(rng):
    """A person in all frames of the video, m."""
    return rng.normal(0, 0.4, (F, 14, 3))


@pytest.fixture
def joints(world):
    """The person, without a camera."""
    return Joints(source="p.npz", frames=np.arange(F), points=world, skeleton=METRO_14, n_frames=F)


@pytest.fixture
def seen(joints):
    """The person with the camera that takes the picture: crops of 224 px, scaled by 2."""
    camera = np.tile([2 * PX_PER_M / 112, 0, 0], (F, 1))
    crop = Crop(np.full(F, 2.0), np.tile(2.0 * MIDDLE, (F, 1)))
    return replace(joints, camera=CropCamera(camera, crop))


@pytest.fixture
def detections(world):
    """The person in the picture, px of the video."""
    return Detections(
        source="d.json",
        frames=np.arange(F),
        points=PX_PER_M * world[..., :2] + MIDDLE,
        confidence=np.ones((F, 14)),
        skeleton=METRO_14,
    )


def beside(detections, shift=300):
    """Somebody else, in every frame, who is also detected; the rows of both are mixed."""
    order = np.argsort(np.tile(np.arange(F), 2), kind="stable")[::-1]

    def both(first, second):
        return np.concatenate([first, second])[order]

    return replace(
        detections,
        frames=both(detections.frames, detections.frames),
        points=both(detections.points, detections.points + shift),
        confidence=both(detections.confidence, detections.confidence),
    )


def test_both_are_in_the_frames_and_px_that_are_used(seen, detections):
    pose, keypoints = assemble_estimates(seen, detections, header())
    np.testing.assert_array_equal(pose.joints_3d, seen.points[USED])
    expected = (detections.points[USED] - [40, 60] + 0.5) / 2 - 0.5
    np.testing.assert_allclose(keypoints.joints_2d, expected)
    np.testing.assert_allclose(pose.project(), expected, atol=1e-3)
    assert pose.missing == () and (keypoints.confidence == 1).all()


@pytest.mark.parametrize("shift", [(0, 0), (-60, -50), (50, 40)])
def test_a_pose_without_a_camera_is_projected_to_where_it_was_detected(joints, detections, shift):
    shifted = replace(detections, points=detections.points + shift)
    pose, keypoints = assemble_estimates(joints, shifted, header())
    np.testing.assert_allclose(pose.project(), keypoints.joints_2d, atol=1e-3)


@pytest.mark.parametrize("view", [(None, None), ((30, 50, 400, 400), 200), ((0, 0, 640, 480), 320)])
def test_crops_follow_the_view_of_the_video(seen, detections, view):
    whole, _ = assemble_estimates(seen, detections, header(crop=None, width=None))
    pose, _ = assemble_estimates(seen, detections, header(crop=view[0], width=view[1]))
    expected = View.of(SIZE, *view).to_frame(whole.project().astype(np.float64))
    np.testing.assert_allclose(pose.project(), expected, atol=1e-3)


def test_skeletons_are_converted(rng, detections):
    world = rng.normal(0, 0.4, (F, 33, 3))
    both = {"frames": np.arange(F), "skeleton": MEDIAPIPE_33}
    visibility = rng.uniform(0.1, 1, (F, 33))
    pixels = PX_PER_M * world[..., :2] + MIDDLE
    pose, keypoints = assemble_estimates(
        Joints(source="m", points=world, **both),
        Detections(source="m", points=pixels, confidence=visibility, **both),
        header(crop=None, width=None),
    )
    np.testing.assert_array_equal(pose.joints_3d, convert(world[USED], MEDIAPIPE_33, METRO_14))
    np.testing.assert_allclose(keypoints.joints_2d[:, 0], pixels[USED, 28])
    np.testing.assert_array_equal(keypoints.confidence[:, 0], visibility[USED, 28])
    np.testing.assert_array_equal(keypoints.confidence[:, 12], visibility[USED, 11:13].min(1))


def rows(estimates, kept, **changes):
    """Some rows of estimates."""
    arrays = {
        name: getattr(estimates, name)[kept]
        for name in ("frames", "points", "confidence")
        if hasattr(estimates, name)
    }
    return replace(estimates, **arrays | changes)


@pytest.mark.parametrize("first", [0, 1])
def test_detections_may_be_numbered_among_those_used_from_zero_or_one(seen, detections, first):
    numbered = {"numbering": "used", "frames": np.arange(len(USED)) + first}
    short = rows(detections, USED, **numbered)
    pose, keypoints = assemble_estimates(seen, short, header())
    np.testing.assert_allclose(pose.project(), keypoints.joints_2d, atol=1e-3)


@pytest.mark.parametrize("first", [0, 1])
def test_where_counting_starts_is_told_by_the_pose(seen, detections, first, caplog):
    """Numbers 1 to 3 of four frames are of the last three, counted from 0, or of the first."""
    caplog.set_level("INFO")
    there = np.arange(1, 4) - first
    numbered = rows(detections, USED[there], numbering="used", frames=np.arange(1, 4))
    pose, keypoints = assemble_estimates(seen, numbered, header())
    np.testing.assert_allclose(keypoints.joints_2d[there], pose.project()[there], atol=1e-3)
    assert "d.json: median distance from the pose" in caplog.text


def test_a_pose_that_lacks_the_first_frame_and_goes_on_after_the_last_is_not_shifted(joints):
    """As METRO's may be, where decoders differ in the last frame."""
    detections = Detections(
        source="d.json",
        frames=USED,
        points=PX_PER_M * joints.points[USED, :, :2] + MIDDLE,
        confidence=np.ones((4, 14)),
        skeleton=METRO_14,
    )
    later = rows(joints, [4, 7, 8, 9], numbering="used", frames=np.arange(1, 5), n_frames=5)
    pose, _ = assemble_estimates(later, detections, header())
    assert pose.missing == (0,)
    np.testing.assert_array_equal(pose.joints_3d[1:], joints.points[[4, 7, 8]])


def test_half_of_the_frames_will_do(seen, detections):
    _, keypoints = assemble_estimates(seen, rows(detections, USED[:2]), header())
    assert keypoints.confidence.any(1).tolist() == [True, True, False, False]


@pytest.mark.parametrize("frames", [[0, 1, 2, 3, 4, 5, 6, 7, 8, 8], np.arange(F)[::-1]])
def test_joints_out_of_order_are_refused(seen, detections, frames):
    with pytest.raises(InputError, match=r"p.npz: frames out of order, or twice"):
        assemble_estimates(replace(seen, frames=np.array(frames)), detections, header())


def test_joints_that_the_pose_lacks_are_named(seen, detections):
    lacking = replace(seen, skeleton=Skeleton("no_head", (*METRO_14.joints[:13], "something")))
    with pytest.raises(InputError, match=r"p.npz: all joints of METRO .* \['head'\] are not known"):
        assemble_estimates(lacking, detections, header())


@pytest.mark.parametrize("n_found", [0, 1, 6])
def test_a_frame_with_few_joints_has_an_interpolated_camera_if_none_fits(
    joints, detections, n_found
):
    """The few are mirrored, so that only a camera of negative scale would do."""
    detections.confidence[4, n_found:] = 0
    detections.points[4] = 2 * MIDDLE - detections.points[4]
    pose, keypoints = assemble_estimates(joints, detections, header())
    np.testing.assert_allclose(pose.camera[1], (pose.camera[0] + pose.camera[2]) / 2)
    assert (keypoints.confidence[1] > 0).sum() == n_found


def test_a_fragment_does_not_take_the_place_of_the_person(seen, detections):
    """One joint, at the very place; the whole person is detected 4 px off."""
    fragment = np.full((1, 14, 2), np.nan)
    fragment[0, L_WRIST] = detections.points[4, L_WRIST]
    more = replace(
        detections,
        frames=np.append(detections.frames, 4),
        points=np.concatenate([detections.points + 4, fragment]),
        confidence=np.concatenate([detections.confidence, np.eye(14)[[L_WRIST]] * 0.1]),
    )
    _, keypoints = assemble_estimates(seen, more, header())
    assert (keypoints.confidence == 1).all()


def test_a_frame_that_the_pose_lacks_is_interpolated_and_marked(seen, detections):
    """The second of those used; the frames after it keep their places."""
    known = np.flatnonzero(np.arange(F) != 4)
    camera = CropCamera(
        np.arange(F)[known, None] * [0.001, 0, 0] + [2.0, 0, 0],
        Crop(seen.camera.crop.scale[known], seen.camera.crop.start[known]),
    )
    pose, _ = assemble_estimates(rows(seen, known, camera=camera), detections, header())
    assert pose.missing == (1,)
    np.testing.assert_allclose(pose.joints_3d[1], (seen.points[1] + seen.points[7]) / 2)
    np.testing.assert_allclose(pose.camera[:, 0], 2 + 0.001 * np.array([1, 4, 7, 8]))
    np.testing.assert_array_equal(pose.joints_3d[2], seen.points[7])


def test_a_frame_without_detection_has_no_confidence_and_an_interpolated_camera(
    joints, detections, caplog
):
    without = rows(detections, np.flatnonzero(np.arange(F) != 4))
    pose, keypoints = assemble_estimates(joints, without, header())
    assert keypoints.confidence.any(1).tolist() == [True, False, True, True]
    assert np.isnan(keypoints.joints_2d[1]).all()
    np.testing.assert_allclose(pose.camera[1], (pose.camera[0] + pose.camera[2]) / 2)
    assert "too few joints, camera interpolated: [4]" in caplog.text


def test_of_several_people_the_one_nearest_to_the_pose_is_taken(seen, detections):
    _, alone = assemble_estimates(seen, detections, header())
    _, chosen = assemble_estimates(seen, beside(detections), header())
    np.testing.assert_array_equal(chosen.joints_2d, alone.joints_2d)


def test_of_several_people_none_is_taken_where_no_camera_tells_them_apart(joints, detections):
    message = r"d.json: several people in frames \[1, 4, 7\], and the pose does not say which"
    with pytest.raises(InputError, match=message):
        assemble_estimates(joints, beside(detections), header())


@pytest.fixture
def pictured(joints, detections):
    """The joints, of an estimator that also says where they are in the picture."""
    return replace(joints, picture=detections.points + 1)


def test_of_several_people_the_one_whom_the_pose_names_in_the_picture_is_taken(
    pictured, detections
):
    _, alone = assemble_estimates(pictured, detections, header())
    pose, chosen = assemble_estimates(pictured, beside(detections), header())
    np.testing.assert_array_equal(chosen.joints_2d, alone.joints_2d)
    assert pose.camera.shape == (len(USED), 3)


def test_detections_of_somebody_else_are_noticed_though_a_camera_fits_them(pictured, detections):
    elsewhere = replace(detections, points=0.7 * detections.points)
    with pytest.raises(InputError, match=r"d.json: detections lie 0\.\d of the person's size"):
        assemble_estimates(pictured, elsewhere, header())


def test_joints_that_the_detector_lacks_or_has_not_found_weigh_nothing(seen, detections):
    skeleton = Skeleton("no_head", (*METRO_14.joints[:13], "something"))
    detections.confidence[USED[2], L_WRIST] = 0
    _, keypoints = assemble_estimates(seen, replace(detections, skeleton=skeleton), header())
    weights = keypoints.weights(0)
    assert (weights[:, 13] == 0).all() and weights[2, L_WRIST] == 0
    assert weights.sum() == len(USED) * 13 - 1


@pytest.mark.parametrize("side", ["joints", "detections"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image_size": (480, 640)}, "a video of 480 x 640 px, it has 640 x 480 px .*another vid"),
        ({"n_frames": 8}, "estimates of 8 frames, frame 8 of the video is used"),
        ({"numbering": "used", "n_frames": 7}, "of 7 frames, 4 are used .*frames.step differ"),
        ({"numbering": "used", "n_frames": 1}, "of 1 frames, 4 are used"),
        (
            {"frames": np.arange(F) + 8},
            "in 1 of the 4 frames that are used, at least half are",
        ),
    ],
)
def test_estimates_of_another_video_are_refused(joints, detections, side, change, message):
    found = {"joints": joints, "detections": detections}
    found[side] = replace(found[side], **change)
    with pytest.raises(InputError, match=message):
        assemble_estimates(found["joints"], found["detections"], header())


def test_fractions_of_the_picture_are_refused(joints, detections):
    fractions = replace(detections, points=detections.points / SIZE)
    message = r"p.npz: the person is 0.\d px large in frames of 200 x 200 px, .*fractions"
    with pytest.raises(InputError, match=message):
        assemble_estimates(joints, fractions, header())


def test_a_crop_that_misses_the_person_is_refused(seen, detections):
    message = r"p.npz: \d+% of the joints lie in the frames of 200 x 200 px, .*crop miss"
    with pytest.raises(InputError, match=message):
        assemble_estimates(seen, detections, header(crop=(400, 60, 200, 200)))


def test_detections_of_somebody_elsewhere_are_refused(seen, detections):
    away = replace(detections, points=detections.points + 150)
    with pytest.raises(InputError, match=r"d.json: detections lie 0.\d of the person's size"):
        assemble_estimates(seen, away, header())


def test_a_pose_that_is_not_that_of_the_picture_is_refused(joints, detections):
    points = detections.points.copy()
    points[4] = 2 * MIDDLE - points[4]
    message = "p.npz and d.json: no camera brings them together in frame 4"
    with pytest.raises(InputError, match=message):
        assemble_estimates(joints, replace(detections, points=points), header())


@given(st.permutations(range(F)), st.integers(2, 5))
def test_the_order_of_detections_is_of_no_importance(order, step):
    rng = np.random.default_rng(0)
    world = rng.normal(0, 0.4, (F, 14, 3))
    joints = Joints(source="p", frames=np.arange(F), points=world, skeleton=METRO_14)
    points = PX_PER_M * world[..., :2] + MIDDLE
    found = Detections(
        source="d",
        frames=np.array(order),
        points=points[order],
        confidence=np.ones((F, 14)),
        skeleton=METRO_14,
    )
    pose, keypoints = assemble_estimates(joints, found, header(range(0, F, step), None, None))
    np.testing.assert_allclose(pose.project(), points[::step], atol=1e-3)
    np.testing.assert_allclose(keypoints.joints_2d, points[::step])
