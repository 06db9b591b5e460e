"""Minimising the energy of a pose by Adam (Kingma and Ba 2015), as the paper does.

Flow counts as a constant in every step.
"""

import math
from collections.abc import Callable, Iterable

import numpy as np

from flowpose.refinement.energy import Minimum, PoseEnergy, check_finite
from flowpose.refinement.gradient import energy_gradient

# The decay of the means of gradients and of their squares, and the epsilon.
_DECAY, _SQUARE_DECAY, _EPSILON = 0.9, 0.999, 1e-8


def minimise(
    energy: PoseEnergy,
    *,
    steps: int,
    learning_rate: float,
    stop_decimals: int,
    stop_patience: int,
    progress: Callable[[Iterable], Iterable] = iter,
) -> Minimum:
    """Minimise an energy from its start until, rounded, it stops changing.

    Args:
        steps: at most so many.
        learning_rate: of joints (m) and cameras alike.
        stop_decimals: to which two energies are compared.
        stop_patience: end after so many equal energies in a row; 0: never.
        progress: wraps the steps to show progress.

    Raises:
        InputError: the energy is not finite.
    """
    variables = energy.start.copy()
    mean, square = np.zeros_like(variables), np.zeros_like(variables)
    values: list[float] = []
    equal, previous = 0, ""
    for step in progress(range(1, steps + 1)):
        state = energy.state(variables)
        values.append(energy.value(state))
        check_finite(values[-1], step)
        gradient = energy_gradient(energy, state)
        mean += (1 - _DECAY) * (gradient - mean)
        square += (1 - _SQUARE_DECAY) * (gradient * gradient - square)
        scale = learning_rate / (1 - _DECAY**step)
        root = np.sqrt(square) / math.sqrt(1 - _SQUARE_DECAY**step)
        variables = variables - scale * mean / (root + _EPSILON)
        rounded = f"{values[-1]:.{stop_decimals}f}"
        equal, previous = (equal + 1 if rounded == previous else 0), rounded
        if stop_patience and equal == stop_patience:
            return Minimum(variables, np.array(values), "converged")
    return Minimum(variables, np.array(values), "steps")
