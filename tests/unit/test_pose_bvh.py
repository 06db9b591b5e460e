"""BVH as an independent reader of the format understands it."""

import logging

import bvhio
import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from test_pose_exports import HEADER, files

from flowpose.exports import pose_bvh
from flowpose.exports.exported_pose import read_exported_pose
from flowpose.exports.rigid_body import BONES, fit_rigid_body, smallest_rotation
from flowpose.pose.skeletons import HIPS, METRO_14

NODES = {bone.joint: bone.name for bone in BONES if bone.joint}


def turned(body, n=6):
    """A man who turns, bends, and moves all his limbs; all of his bones keep their length."""
    middle = body[list(HIPS)].mean(0)
    joints = np.tile(body - middle, (n, 1, 1))
    chains = [
        ("r_knee", ["r_ankle"], "x", 60),
        ("l_hip", ["l_knee", "l_ankle"], "x", -80),
        ("r_elbow", ["r_wrist"], "y", 120),
        ("l_shoulder", ["l_elbow", "l_wrist"], "z", 85),
        ("neck", ["head"], "x", 30),
    ]
    for about, moved, axis, degrees in chains:
        pivot = joints[:, METRO_14.index[about], None]
        which = [METRO_14.index[joint] for joint in moved]
        turns = Rotation.from_euler(axis, np.linspace(0, degrees, n)[:, None], degrees=True)
        for t in range(n):
            joints[t, which] = pivot[t] + turns[t].apply(joints[t, which] - pivot[t])
    # The whole of him by more than a full turn.
    for t, degrees in enumerate(np.linspace(0, 400, n)):
        joints[t] = Rotation.from_euler("yx", [degrees, 20], degrees=True).apply(joints[t])
    return joints + np.linspace(0, 0.5, n)[:, None, None] * [1, 0.2, 0]


def read_back(path, n=6):
    """Where the nodes are, by name, y up (m)."""
    root = bvhio.readAsHierarchy(str(path))
    places = {bone.name: np.empty((n, 3)) for bone in BONES}
    for t in range(n):
        root.loadPose(t)
        for joint, *_ in root.layout():
            if joint.Name in places:
                places[joint.Name][t] = joint.PositionWorld
    return places


def write(folder, joints, provenance):
    pose_bvh.write(folder / "pose.bvh", read_exported_pose(*files(folder, joints, provenance)))
    return folder / "pose.bvh"


def test_forward_kinematics_gives_the_joints_back(tmp_path, body, provenance):
    joints = turned(body)
    places = read_back(write(tmp_path, joints, provenance))
    for joint, node in NODES.items():
        # x right, y up, z toward the camera.
        expected = joints[:, METRO_14.index[joint]] * [1, -1, -1]
        np.testing.assert_allclose(places[node], expected, atol=1e-4, err_msg=joint)
    middle = joints[:, list(HIPS)].mean(1) * [1, -1, -1]
    np.testing.assert_allclose(places["Hips"], middle, atol=1e-5)


def test_the_log_tells_how_far_joints_are_off_where_bones_change(
    tmp_path, walk, provenance, caplog
):
    caplog.set_level(logging.INFO)
    places = read_back(write(tmp_path, walk, provenance))
    found = np.stack([places[NODES[joint]] for joint in METRO_14.joints if joint != "neck"], 1)
    kept = [i for i, joint in enumerate(METRO_14.joints) if joint != "neck"]
    distances = 1000 * np.linalg.norm(found - walk[:, kept] * [1, -1, -1], axis=-1)
    (message,) = [m for m in caplog.messages if "bones keep" in m]
    assert distances.max() > 10
    assert f"at most {distances.max():.2f} mm" in message


def test_the_file_tells_its_frames_and_their_rate(tmp_path, body, provenance):
    bvh = bvhio.readAsBvh(str(write(tmp_path, turned(body), provenance)))
    assert bvh.FrameCount == 6 and bvh.FrameTime == pytest.approx(0.1)
    assert bvh.Root.Name == "Hips" and len(bvh.Root.Channels) == 6
    assert HEADER.fps == pytest.approx(10)


def test_a_man_at_rest_has_no_rotations(rng):
    """Arms out, legs down, looking at the camera, whatever his size."""
    at_rest = fit_rigid_body(np.tile(rest_pose(rng), (2, 1, 1)))
    for bone in BONES:
        assert np.abs(at_rest.local_rotation(bone).magnitude()).max() < 1e-7, bone.name


def rest_pose(rng):
    """METRO_14 joints of a man at rest, camera frame."""
    places = {"Hips": np.zeros(3)}
    for bone in BONES[1:]:
        length = 0.5 if bone.joint == "neck" else rng.uniform(0.1, 0.5)
        if bone.joint.endswith("hip"):
            length = 0.13
        places[bone.name] = places[bone.parent] + length * np.array(bone.direction)
    return np.array([places[NODES[joint]] * [1, -1, -1] for joint in METRO_14.joints])


@pytest.mark.parametrize(
    ("node", "same"), [("Hips", ("l_hip", "r_hip")), ("Spine", ("l_shoulder", "r_shoulder"))]
)
def test_a_frame_that_does_not_tell_how_he_turns_has_the_nearest_ones_rotation(body, node, same):
    joints = turned(body)
    expected = fit_rigid_body(joints).rotations[node]
    left, right = (METRO_14.index[joint] for joint in same)
    spine = joints[:, METRO_14.index["neck"]] - joints[:, list(HIPS)].mean(1)
    # In one place; in line with the spine.
    joints[0, left] = joints[0, right]
    middle = joints[3, [left, right]].mean(0)
    joints[3, [left, right]] = [middle + 0.2 * spine[3], middle - 0.2 * spine[3]]
    found = fit_rigid_body(joints).rotations[node]
    np.testing.assert_allclose(
        (found.inv() * expected[[1, 1, 2, 2, 4, 5]]).magnitude(), 0, atol=1e-9
    )


def test_hips_and_shoulders_that_are_never_apart_have_some_rotation(body):
    joints = np.tile(body, (3, 1, 1))
    for same in (("l_hip", "r_hip"), ("l_shoulder", "r_shoulder")):
        left, right = (METRO_14.index[joint] for joint in same)
        joints[:, left] = joints[:, right]
    found = fit_rigid_body(joints)
    assert found.distances(joints).max() < 1e-9


def test_limbs_do_not_turn_about_themselves(rng):
    """A raised arm is turned about an axis across it."""
    joints = rest_pose(rng)
    arm = [METRO_14.index[joint] for joint in ("r_elbow", "r_wrist")]
    shoulder = joints[METRO_14.index["r_shoulder"]]
    raised = Rotation.from_euler("yz", [20, 50], degrees=True)
    joints[arm] = shoulder + raised.apply(joints[arm] - shoulder)
    body = fit_rigid_body(joints[None])
    (bone,) = (bone for bone in BONES if bone.name == "RightArm")
    turn = body.local_rotation(bone).as_rotvec()[0]
    assert np.linalg.norm(turn) > 0.5 and abs(turn[0]) < 1e-9
    (fore,) = (bone for bone in BONES if bone.name == "RightForeArm")
    assert body.local_rotation(fore).magnitude()[0] < 1e-7


def test_channels_have_no_jumps_by_whole_turns(tmp_path, body, provenance):
    """A man who turns by 400 degrees over 61 frames."""
    joints = turned(body, 61)[::12][:6]
    path = write(tmp_path, joints, provenance)
    rows = path.read_text().partition("Frame Time")[2].splitlines()[1:]
    values = np.array([row.split() for row in rows], float)
    assert values.shape == (6, 3 + 3 * len(BONES))
    heading = values[:, 5]
    assert abs(heading[-1] - heading[0]) > 360 and np.abs(np.diff(heading)).max() < 100


def test_the_smallest_rotation_to_the_opposite_is_half_a_turn():
    rest = np.array([0.0, 1.0, 0.0])
    to = np.array([[0, -2.0, 0], [0, 3.0, 0], [1.0, 0, 0], [0, 0, 0]])
    turns = smallest_rotation(rest, to)
    np.testing.assert_allclose(turns.magnitude(), [np.pi, 0, np.pi / 2, 0], atol=1e-12)
    np.testing.assert_allclose(
        turns.apply(rest), [[0, -1, 0], [0, 1, 0], [1, 0, 0], [0, 1, 0]], atol=1e-12
    )
