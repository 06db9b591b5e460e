"""Errors a user can act on."""


class FlowposeError(Exception):
    """Input or setting that the method cannot work with; the message says which and what to do."""


def check(condition: bool, where: object, problem: str, remedy: str = "") -> None:
    """Raise a FlowposeError that names a file or field unless a condition holds.

    Args:
        condition: what must be true.
        where: the file, and the field in it, that is being checked.
        problem: what was expected and what came.
        remedy: what the user can do about it.
    """
    if not condition:
        raise FlowposeError(f"{where}: {problem}" + (f" ({remedy})" if remedy else ""))
