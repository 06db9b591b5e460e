import numpy as np
import pytest

from flowpose.errors import InputError
from flowpose.evaluation.intervals import ENOUGH_SEQUENCES, block_length, interval

NORMAL_95 = 1.96


def noise(rng, n_frames, rho):
    """A mean of 0 and a variance of 1, correlated by rho from frame to frame."""
    values = rng.standard_normal(n_frames)
    for t in range(1, n_frames):
        values[t] = rho * values[t - 1] + np.sqrt(1 - rho**2) * values[t]
    return values


def test_the_mean_counts_sequences_alike(rng):
    found = interval([np.full(5, 1.0), np.full(500, 3.0), np.array([8.0, np.nan, 8.0])])
    assert found.mean == 4 and found.over == "blocks of frames"
    assert found.low == found.high == 4


def test_many_sequences_are_drawn_few_are_cut_into_blocks(rng):
    sequences = list(rng.normal(size=(ENOUGH_SEQUENCES, 20)))
    assert interval(sequences).over == "sequences"
    assert interval(sequences[1:]).over == "blocks of frames"
    unknown = [np.full(20, np.nan)] * 5
    assert interval(sequences[1:] + unknown).over == "blocks of frames"


def test_the_same_seed_has_the_same_interval(rng):
    sequences = list(rng.normal(size=(3, 50)))
    assert interval(sequences, seed=5) == interval(sequences, seed=5)
    assert interval(sequences, seed=5) != interval(sequences, seed=6)


def test_the_interval_over_sequences_is_the_normal_one_where_there_are_many(rng):
    """Of n normal means of deviation 2: 1.96 * 2 / sqrt(n) to both sides."""
    means = rng.normal(7, 2, 400)
    found = interval([np.full(3, mean) for mean in means])
    expected = NORMAL_95 * means.std() / np.sqrt(400)
    assert found.high - found.mean == pytest.approx(expected, rel=0.08)
    assert found.mean - found.low == pytest.approx(expected, rel=0.08)


@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_the_interval_over_blocks_knows_that_neighbours_are_alike(rho):
    """The variance of the mean of T correlated values is (1 + rho) / (1 - rho) / T."""
    widths = []
    for seed in range(10):
        found = interval([noise(np.random.default_rng(seed), 1000, rho)], seed=seed)
        widths.append((found.high - found.low) / 2)
    expected = NORMAL_95 * np.sqrt((1 + rho) / (1 - rho) / 1000)
    assert np.mean(widths) == pytest.approx(expected, rel=0.12)


@pytest.mark.parametrize(
    ("n_sequences", "n_frames", "rho"), [(20, 4, 0.5), (4, 17, 0.0), (4, 60, 0.5), (1, 200, 0.5)]
)
def test_the_truth_lies_within_in_most_draws(n_sequences, n_frames, rho):
    """Also of little data: as they are, percentiles would hold it in 80 to 92 % of draws."""
    inside = 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        found = interval([noise(rng, n_frames, rho) for _ in range(n_sequences)], seed=seed)
        inside += found.low <= 0 <= found.high
    assert 0.9 < inside / 150 < 0.985


def test_differences_on_the_same_frames_are_surer_than_the_values(rng):
    before = [noise(rng, 40, 0.5) * 30 + 100 for _ in range(4)]
    after = [values - 3 + rng.normal(0, 1, 40) for values in before]
    difference = interval([b - a for a, b in zip(after, before, strict=True)])
    assert 0 < difference.low < 3 < difference.high
    of_after, of_before = interval(after), interval(before)
    assert of_after.high > of_before.low, "by themselves they are not told apart"


def test_frames_that_are_not_known_do_not_count(rng):
    values = noise(rng, 300, 0.5)
    some = np.where(rng.random(300) < 0.3, np.nan, values)
    found = interval([some])
    assert found.mean == pytest.approx(np.nanmean(some))
    whole = interval([values])
    assert 0.8 < (found.high - found.low) / (whole.high - whole.low) < 1.5


@pytest.mark.parametrize(("n", "length"), [(1, 1), (2, 1), (3, 1), (17, 5), (1000, 20)])
def test_blocks_are_longer_in_longer_sequences(n, length):
    assert block_length(n) == length


@pytest.mark.parametrize("values", [[[1.0]], [[1.0, np.nan, np.nan]], [[1.0, 1.0], [2.0], [5.0]]])
def test_a_single_value_of_a_sequence_tells_no_bounds(values):
    found = interval([np.array(of) for of in values])
    assert found.mean == np.mean([of[0] for of in values])
    assert np.isnan([found.low, found.high]).all()


def test_single_values_of_many_sequences_tell_bounds(rng):
    found = interval([np.array([value]) for value in rng.normal(size=ENOUGH_SEQUENCES)])
    assert found.low < found.mean < found.high


def test_without_any_value_there_is_no_interval():
    with pytest.raises(InputError, match="no value is known"):
        interval([np.full(4, np.nan)])
