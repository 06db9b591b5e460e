import math

import numpy as np
import pytest
import torch
from torch.nn.functional import smooth_l1_loss

from flowpose.pose.pose_file import Pose
from flowpose.pose.skeletons import LENGTH_BONES
from flowpose.pose.weak_perspective import Crop
from flowpose.refinement.energy import PoseEnergy, PoseWeights
from flowpose.refinement.gradient import energy_gradient
from flowpose.refinement.measures import Measures
from flowpose.refinement.refine import PoseOptions, refine_pose
from flowpose.refinement.variables import bone_lengths, bone_vectors, pack

T, HEIGHT, WIDTH = 5, 40, 60
NOTHING = dict.fromkeys(("prior", "temporal", "bones", "camera", "keypoints", "flow"), 0)


def h(a, b):
    return smooth_l1_loss(a, b, reduction="sum")


def bilinear(flow, x, y):
    """Flow between the four pixels around a point that are on the image."""
    x0, y0 = min(math.floor(x), WIDTH - 2), min(math.floor(y), HEIGHT - 2)
    top = flow[y0, x0] * (x0 + 1 - x) + flow[y0, x0 + 1] * (x - x0)
    bottom = flow[y0 + 1, x0] * (x0 + 1 - x) + flow[y0 + 1, x0 + 1] * (x - x0)
    return top * (y0 + 1 - y) + bottom * (y - y0)


class NaiveEnergy:
    """docs/reference.md, 5 in float64: joint by joint and frame by frame."""

    def __init__(self, pose, keypoints, keypoint_weights, flow, weights, reference):
        self.prior = torch.tensor(pose.joints_3d, dtype=torch.float64)
        self.crop, self.flow = pose.crop, torch.tensor(flow).double()
        self.weights = weights
        self.keypoints, self.keypoint_weights = keypoints, keypoint_weights
        self.reference = reference

    def project(self, joints, camera, t):
        crop = (camera[0] * (joints[:, :2] + camera[1:]) + 1) * 0.5 * 224
        start = torch.tensor(self.crop.start[t])
        return (crop + start - self.crop.size // 2) / self.crop.scale[t]

    def flow_term(self, points, next_points, t):
        total = torch.zeros((), dtype=torch.float64)
        for p, q in zip(points, next_points, strict=True):
            x, y = p.tolist()
            inside = 0 <= x <= WIDTH - 1 and 0 <= y <= HEIGHT - 1
            strictly = 0 <= x < WIDTH - 1 and 0 <= y < HEIGHT - 1
            if strictly or (inside and not self.reference):
                total = total + h(bilinear(self.flow[t], x, y), q - p)
            elif self.reference:
                total = total + h(torch.zeros_like(p), q - p)
        return total

    def terms(self, joints, cameras):
        """The unweighted terms of each frame; those between frames stand with the second."""
        frames = []
        pixels = [self.project(joints[t], cameras[t], t) for t in range(T)]
        for t in range(T):
            frame = {"prior": h(joints[t], self.prior[t])}
            frame["keypoints"] = sum(
                h(w * torch.tensor(k), w * p)
                for w, k, p in zip(
                    self.keypoint_weights[t], self.keypoints[t], pixels[t], strict=True
                )
                if w
            )
            if t > 0:
                frame["temporal"] = h(joints[t], joints[t - 1])
                frame["camera"] = h(cameras[t], cameras[t - 1])
                frame["bones"] = sum(
                    h(*((x[a] - x[b] + 1e-6).norm() for x in (joints[t], joints[t - 1])))
                    for a, b in LENGTH_BONES
                )
                frame["flow"] = self.flow_term(pixels[t - 1], pixels[t], t - 1)
            frames.append(frame)
        return frames

    def __call__(self, joints, cameras):
        terms = self.terms(joints, cameras)
        return sum(getattr(self.weights, n) * v for f in terms for n, v in f.items()) / T


@pytest.fixture
def problem(walk, rng):
    """A pose of which some joints are off the image, some not detected, and what goes with it."""
    crop = Crop(rng.uniform(3.8, 4.2, T), rng.uniform(115, 125, (T, 2)), 224)
    camera = rng.uniform([0.7, 0.0, -0.1], [0.9, 0.2, 0.1], (T, 3)).astype(np.float32)
    pose = Pose(walk[:T].astype(np.float32), camera, crop)
    keypoints = pose.project().astype(np.float64) + rng.normal(0, 3, (T, 14, 2))
    weights = (rng.uniform(size=(T, 14)) < 0.8).astype(float)
    keypoints[weights == 0] = np.nan
    flow = rng.normal(0, 3, (T - 1, HEIGHT, WIDTH, 2)).astype(np.float32)
    return pose, keypoints, weights, flow


def moved(pose, rng):
    """Joints and cameras a little off the pose, where every term of the energy is above 0."""
    variables = pack(pose, np.float32)
    return variables + rng.normal(0, 0.03, variables.shape).astype(np.float32)


def tensors(variables):
    joints, camera = torch.tensor(variables).double().split([42, 3], dim=1)
    return joints.reshape(-1, 14, 3).requires_grad_(), camera.contiguous().requires_grad_()


def test_the_problem_has_joints_on_and_off_the_image(problem):
    points = problem[0].project()
    inside = ((points >= 0) & (points <= [WIDTH - 1, HEIGHT - 1])).all(-1)
    assert 10 < (~inside).sum() < 60


@pytest.mark.parametrize("reference", [False, True])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-5), (np.float64, 1e-10)])
def test_energy_and_gradient_are_those_of_the_specification(
    problem, rng, reference, dtype, tolerance
):
    variables = moved(problem[0], rng)
    energy = PoseEnergy(*problem, weights=PoseWeights(), reference=reference, dtype=dtype)
    state = energy.state(variables.astype(dtype))
    exact = tensors(variables)
    naive = NaiveEnergy(*problem, PoseWeights(), reference)(*exact)
    assert energy.value(state) == pytest.approx(naive.item(), rel=tolerance)
    expected = torch.cat([g.flatten(1) for g in torch.autograd.grad(naive, exact)], 1).numpy()
    difference = np.linalg.norm(energy_gradient(energy, state) - expected)
    assert difference <= tolerance * np.linalg.norm(expected)


@pytest.mark.parametrize("reference", [False, True])
@pytest.mark.parametrize("name", NOTHING)
def test_each_term_is_weighted_and_averaged_over_all_frames(problem, rng, name, reference):
    variables = moved(problem[0], rng)
    weights = PoseWeights(**NOTHING | {name: 7})
    energy = PoseEnergy(*problem, weights=weights, reference=reference)
    naive = NaiveEnergy(*problem, weights, reference).terms(*tensors(variables))
    expected = [frame[name].item() for frame in naive if name in frame]
    state = energy.state(variables)
    np.testing.assert_allclose(energy.terms(state)[name], expected, rtol=1e-4)
    assert energy.value(state) == pytest.approx(7 * sum(expected) / T, rel=1e-5)


def test_flow_weighs_nothing_at_joints_off_the_image(problem):
    pose, keypoints, weights, flow = problem
    off = Pose(pose.joints_3d + np.float32([9, 0, 0]), pose.camera, pose.crop)
    energy = PoseEnergy(off, keypoints, weights, flow, weights=PoseWeights())
    assert energy.terms(energy.state(energy.start))["flow"].tolist() == [0] * (T - 1)


def test_bone_lengths_are_distances(body):
    lengths = bone_lengths(bone_vectors(body[None]))[0]
    expected = [np.linalg.norm(body[a] - body[b]) for a, b in LENGTH_BONES]
    np.testing.assert_allclose(lengths, expected, atol=3e-6)


def test_bones_without_length_have_that_of_the_references_epsilon():
    lengths = bone_lengths(bone_vectors(np.zeros((1, 14, 3))))
    np.testing.assert_allclose(lengths, np.full((1, 15), 3**0.5 * 1e-6))


@pytest.mark.parametrize(("reference", "dtype"), [(False, np.float32), (True, np.float64)])
def test_detections_are_compared_in_the_precision_of_the_mode(problem, rng, reference, dtype):
    energy = PoseEnergy(*problem, weights=PoseWeights(), reference=reference)
    state = energy.state(moved(problem[0], rng))
    assert energy.terms(state)["keypoints"].dtype == dtype
    assert energy_gradient(energy, state).dtype == np.float32


def test_defaults_are_the_papers():
    weights = PoseWeights(
        prior=400, temporal=300, bones=10000, camera=0.1, keypoints=0.01, flow=0.01
    )
    measures = Measures(units="pixels", temporal="rest", seconds=None, knee=None)
    assert PoseOptions() == PoseOptions(weights, measures, "gauss_newton", 1500, 1e-3, 4, 10)


def adam(**options):
    return PoseOptions(solver="adam", **options)


def standing_still(body, shift=(0, 0)):
    """A pose that does not move, detected `shift` px from where it is, in flow that is 0."""
    crop = Crop.whole_image(T, WIDTH, HEIGHT)
    pose = Pose(np.tile(body, (T, 1, 1)), np.tile([0.5, 0.01, 0.0], (T, 1)), crop)
    keypoints = pose.project() + np.float32(shift)
    return pose, keypoints, np.ones((T, 14)), np.zeros((T - 1, HEIGHT, WIDTH, 2), np.float32)


@pytest.mark.parametrize("reference", [False, True])
def test_a_pose_that_agrees_with_everything_stays_and_the_minimisation_stops(body, reference):
    problem = standing_still(body)
    refined = refine_pose(*problem, options=adam(), reference=reference)
    np.testing.assert_array_equal(refined.loss, np.zeros(11))
    np.testing.assert_array_equal(refined.pose.joints_3d, problem[0].joints_3d.astype(np.float32))
    np.testing.assert_array_equal(refined.pose.camera, problem[0].camera.astype(np.float32))
    np.testing.assert_array_equal(refined.pose.crop.start, problem[0].crop.start)


@pytest.mark.parametrize(("patience", "steps"), [(0, 20), (3, 4), (50, 20)])
def test_minimisation_stops_after_equal_losses_or_all_steps(body, patience, steps):
    options = adam(steps=20, stop_patience=patience)
    assert len(refine_pose(*standing_still(body), options=options).loss) == steps


@pytest.mark.parametrize(("decimals", "patience"), [(0, 3), (1, 3), (1, 6), (2, 1)])
def test_minimisation_stops_once_the_loss_was_the_same_to_the_decimals_given(
    body, decimals, patience
):
    problem = standing_still(body, shift=(5, 0))
    losses = refine_pose(*problem, options=adam(steps=200, stop_patience=0)).loss
    rounded = [f"{loss:.{decimals}f}" for loss in losses]
    stop = next(n for n in range(patience, 200) if len(set(rounded[n - patience : n + 1])) == 1)
    options = adam(steps=200, stop_decimals=decimals, stop_patience=patience)
    assert len(refine_pose(*problem, options=options).loss) == stop + 1


@pytest.mark.parametrize("solver", ["gauss_newton", "adam"])
def test_refined_pose_moves_with_the_flow(body, solver):
    """With only the flow to go by, joints move as the flow at them says."""
    pose, keypoints, detected, flow = standing_still(body)
    flow[:] = [1.5, -0.5]
    weights = PoseWeights(**NOTHING | {"flow": 1})
    options = PoseOptions(weights=weights, solver=solver, steps=400)
    refined = refine_pose(pose, keypoints, detected, flow, options=options)
    motion = np.diff(refined.pose.project(), axis=0)
    np.testing.assert_allclose(motion, np.broadcast_to([1.5, -0.5], motion.shape), atol=0.05)


@pytest.mark.parametrize("solver", ["gauss_newton", "adam"])
def test_refined_pose_goes_to_the_detections(body, solver):
    problem = standing_still(body, shift=(2, -1))
    weights = PoseWeights(**NOTHING | {"keypoints": 1})
    options = PoseOptions(weights=weights, solver=solver, steps=400)
    refined = refine_pose(*problem, options=options)
    np.testing.assert_allclose(refined.pose.project(), problem[1], atol=0.05)


@pytest.mark.parametrize("solver", ["gauss_newton", "adam"])
def test_refinement_lowers_the_energy_and_leaves_its_input_alone(problem, solver):
    before = problem[0].joints_3d.copy(), problem[0].camera.copy(), problem[3].copy()
    refined = refine_pose(*problem, options=PoseOptions(solver=solver, steps=100))
    assert refined.loss[-1] < 0.8 * refined.loss[0]
    np.testing.assert_array_equal(problem[0].joints_3d, before[0])
    np.testing.assert_array_equal(problem[0].camera, before[1])
    np.testing.assert_array_equal(problem[3], before[2])


def test_reference_mode_uses_adam_whatever_the_solver(problem):
    a, b = (
        refine_pose(*problem, options=options, reference=True)
        for options in (adam(steps=5), PoseOptions(solver="gauss_newton", steps=5))
    )
    np.testing.assert_array_equal(a.loss, b.loss)


@pytest.mark.parametrize("solver", ["gauss_newton", "adam"])
def test_a_pose_at_the_minimum_is_converged(body, solver):
    refined = refine_pose(*standing_still(body), options=PoseOptions(solver=solver))
    assert refined.stop == "converged"
    assert refined.loss[-1] == pytest.approx(0, abs=1e-9)


def test_first_step_is_adams(problem):
    """Adam's first step is the learning rate against the sign of the gradient."""
    pose = problem[0]
    energy = PoseEnergy(*problem, weights=PoseWeights())
    gradient = energy_gradient(energy, energy.state(energy.start))
    refined = refine_pose(*problem, options=adam(steps=1, learning_rate=0.01)).pose
    step = pack(refined, float) - pack(pose, float)
    np.testing.assert_allclose(step, -0.01 * np.sign(gradient), atol=1e-5)
