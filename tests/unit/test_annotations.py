"""Annotations, shapes included, are checked while the tests run: see tests/conftest.py."""

import sys

import numpy as np
import pytest
from jaxtyping import TypeCheckError

from flowpose.adaptation.target import skeleton_points
from flowpose.pose.weak_perspective import Crop
from flowpose.raft.padding import Padding


class Unpaddable(np.ndarray):
    """Numpy's functions make something else of it."""

    def __array_function__(self, *_):
        return np.zeros((1, 8, 8, 3), np.uint8)


PICTURE = np.zeros((8, 8, 3), np.uint8)
WRONG = {
    "shape": (lambda: skeleton_points(np.zeros((13, 2))), "parameter 'joints'"),
    "dtype": (lambda: skeleton_points(np.zeros((14, 2), int)), "parameter 'joints'"),
    "fields": (lambda: Crop(np.ones(3), np.zeros((2, 2))), "parameter 'start'"),
    "result": (lambda: Padding.none().add(PICTURE.view(Unpaddable)), "the return value"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_fit_its_annotation_is_an_error(case):
    call, where = WRONG[case]
    with pytest.raises(TypeCheckError, match=where):
        call()


def test_no_module_was_imported_before_the_checks_were_installed():
    modules = [module for name, module in sys.modules.items() if name.startswith("flowpose.")]
    assert len(modules) > 3
    loaders = {type(module.__spec__.loader).__module__ for module in modules}
    assert loaders == {"jaxtyping._import_hook"}
