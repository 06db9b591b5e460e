"""Errors a user can act on."""

import numpy as np


class FlowposeError(Exception):
    """Something the user can mend; the message says what and how."""


class InputError(FlowposeError):
    """A file or setting of a sequence that the method cannot work with."""


def check(condition: bool | np.bool_, where: object, problem: str, remedy: str = "") -> None:
    """Raise an InputError that names a file or field unless a condition holds.

    Args:
        condition: what must be true.
        where: the file, and the field in it, that is being checked.
        problem: what was expected and what came.
        remedy: what the user can do about it.
    """
    if not condition:
        raise InputError(f"{where}: {problem}" + (f" ({remedy})" if remedy else ""))
