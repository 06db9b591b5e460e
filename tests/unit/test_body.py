import numpy as np
import pytest

from flowpose.adaptation.body import HALF_WIDTHS, POINTS_PER_LIMB, limb_points, visible_limbs
from flowpose.adaptation.target import body_target, pose_target
from flowpose.pose.pose_file import Pose
from flowpose.pose.skeletons import METRO_14
from flowpose.pose.weak_perspective import Crop

SIZE = 200, 240
PX_PER_M = 100.0
AT = METRO_14.index
R_SHIN, R_FOREARM = 7, 11
SHIN, FOREARM = (HALF_WIDTHS[limb] for limb in (R_SHIN, R_FOREARM))


def nowhere():
    """Joints of which none is known, px, and their depths, m."""
    return np.full((14, 2), np.nan), np.zeros(14)


def with_limb(first, second, start, end, depth=0.0):
    joints, depths = nowhere()
    joints[AT[first]], joints[AT[second]] = start, end
    depths[[AT[first], AT[second]]] = depth
    return joints, depths


def shown(joints, depths, px_per_m=PX_PER_M):
    return visible_limbs(joints, depths, SIZE, px_per_m=px_per_m)


def test_a_limb_covers_what_is_within_its_half_width():
    """The pixels of a capsule, counted by its area; a pixel beside the axis is of its point."""
    joints, depths = with_limb("r_knee", "r_ankle", (60, 100), (144, 100))
    limb = shown(joints, depths)
    radius = SHIN * PX_PER_M
    assert (limb >= 0).sum() == pytest.approx(84 * 2 * radius + np.pi * radius**2, rel=0.03)
    rows = np.flatnonzero(limb[:, 100] >= 0)
    assert rows.tolist() == list(range(100 - int(radius), 100 + int(radius) + 1))
    # Every 4 px a point, from the knee to the ankle.
    expected = R_SHIN * POINTS_PER_LIMB + np.rint((np.arange(60, 145) - 60) / 4)
    np.testing.assert_array_equal(limb[103, 60:145], expected)


def test_the_nearer_limb_is_seen():
    joints, depths = with_limb("r_knee", "r_ankle", (60, 100), (140, 100))
    joints[[AT["r_elbow"], AT["r_wrist"]]] = [(100, 60), (100, 140)]
    # Surfaces count, not axes: the shin's is nearer by what it is thicker.
    for arm_depth, limb in ((SHIN, R_SHIN), (-SHIN, R_FOREARM), (FOREARM - SHIN, R_SHIN)):
        depths[[AT["r_elbow"], AT["r_wrist"]]] = arm_depth + 1e-6
        assert shown(joints, depths)[100, 100] // POINTS_PER_LIMB == limb


def test_limbs_of_unknown_joints_and_off_the_picture_are_left_out():
    assert (shown(*nowhere()) == -1).all()
    for start, end in (((-60, 50), (-20, 50)), ((50, 260), (90, 300)), ((np.nan, 5), (10, 5))):
        assert (shown(*with_limb("r_knee", "r_ankle", start, end)) == -1).all()
    partly = shown(*with_limb("r_knee", "r_ankle", (-30, 50), (20, 50)))
    assert (partly[50, :20] >= 0).all()
    point = shown(*with_limb("r_knee", "r_ankle", (50, 50), (50, 50)))
    assert (point >= 0).sum() == pytest.approx(np.pi * (SHIN * PX_PER_M) ** 2, rel=0.1)


def test_the_torso_is_whole():
    joints, depths = nowhere()
    torso = {"r_shoulder": (80, 40), "l_shoulder": (120, 40), "r_hip": (86, 95), "l_hip": (114, 95)}
    for joint, place in torso.items():
        joints[AT[joint]] = place
    limb = shown(joints, depths)
    assert (limb[40:96, 86:115] >= 0).all()
    assert (limb < 5 * POINTS_PER_LIMB).all()


def person(n=3, missing=()):
    """A pose in px, 100 of them a metre, whose joints move by (3, -2) px a frame."""
    crop = Crop.whole_image(n, SIZE[1], SIZE[0])
    rng = np.random.default_rng(0)
    joints = np.tile(rng.uniform(-0.7, 0.7, (14, 3)).astype(np.float32), (n, 1, 1))
    camera = np.zeros((n, 3), np.float32)
    camera[:, 0] = PX_PER_M * crop.scale / (224 / 2)
    joints[..., :2] += np.arange(n)[:, None, None] * np.float32([0.03, -0.02])
    return Pose(joints, camera, crop, missing)


def test_all_that_is_drawn_moves_as_the_pose_does():
    pose = person()
    np.testing.assert_allclose(pose.px_per_m, PX_PER_M, rtol=1e-6)
    target = body_target(pose, SIZE)
    for t in range(2):
        drawing = target.drawing(t)
        np.testing.assert_allclose(drawing.motion, np.tile([3, -2], (308, 1)), atol=1e-3)
        points = limb_points(pose.project()[t])
        seen = np.rint(points).astype(int)
        inside = ((seen >= 0) & (seen < [SIZE[1], SIZE[0]])).all(-1)
        assert (drawing.part[seen[inside, 1], seen[inside, 0]] >= 0).all()
    assert target.reach == pytest.approx(HALF_WIDTHS.max() * PX_PER_M)


def test_a_joint_between_moves_with_both_ends():
    pose = person(2)
    pose.joints_3d[1, AT["r_ankle"], 0] += 0.5
    motion = body_target(pose, SIZE).drawing(0).motion.reshape(-1, POINTS_PER_LIMB, 2)
    np.testing.assert_allclose(motion[R_SHIN, :, 0], np.linspace(3, 53, 22), atol=1e-3)


def test_a_body_is_drawn_where_it_was_seen_and_moves_as_the_pose_does():
    """Detections 8 px to the right of the pose, of which every other is only half sure."""
    pose = person(2)
    sure = np.tile([1.0, 0.5], (2, 7))
    detections = pose.project() + np.float32([8, 0])
    detections[:, AT["head"]], sure[:, AT["head"]] = np.nan, 0
    seen = pose.with_detections(detections, sure)
    away = np.stack([8 * sure, 0 * sure], -1)
    np.testing.assert_allclose(seen.seen_2d, pose.project() + away, atol=1e-4)

    there = body_target(seen, SIZE)
    np.testing.assert_array_equal(there.joints, seen.seen_2d)
    drawn = there.drawing(0)
    np.testing.assert_allclose(drawn.motion, np.tile([3, -2], (308, 1)), atol=1e-3)
    expected = visible_limbs(
        seen.seen_2d[0], pose.joints_3d[0, :, 2], SIZE, px_per_m=float(pose.px_per_m[0])
    )
    np.testing.assert_array_equal(drawn.part, expected)
    # As the pose is projected, if asked for, or where no detection tells.
    for target in (body_target(seen, SIZE, at="pose"), body_target(pose, SIZE)):
        np.testing.assert_array_equal(target.joints, pose.project())
        assert (target.drawing(0).part != expected).any()


def test_pairs_of_a_frame_that_the_estimator_lacks_have_no_target():
    target = body_target(person(4, missing=(2,)), SIZE)
    assert [bool((target.drawing(t).part >= 0).any()) for t in range(3)] == [True, False, False]


def test_a_target_has_the_shape_that_is_asked_for():
    """The blocks of a person of 180 px where those of 500 px have 15; the reference's have 15."""
    pose = person()
    height = np.ptp(pose.project(), axis=1).max()
    options = {"radius": 15, "person_height": 500.0}

    def reach(shape, **more):
        return pose_target(pose, SIZE, shape=shape, at="seen", **options, **more).reach

    assert reach("body") == body_target(pose, SIZE).reach
    assert reach("blocks") == round(15 * height / 500) < 8
    assert reach("blocks", reference=True) == 15
