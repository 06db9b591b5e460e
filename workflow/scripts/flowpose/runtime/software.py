"""The versions of what results are computed with."""

import platform
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

# What is imported, and the package that brings it.
_PACKAGES = {
    "torch": "torch",
    "torchvision": "torchvision",
    "numpy": "numpy",
    "scipy": "scipy",
    "cv2": "opencv-python-headless",
    "av": "av",
    "h5py": "h5py",
    "PIL": "pillow",
}


def installed_software() -> dict[str, str]:
    """Versions of Python and of the packages that decide results, as far as they are installed."""
    return {"python": platform.python_version()} | _versions(_PACKAGES.values())


def loaded_software() -> dict[str, str]:
    """The same, of those packages that this process has imported."""
    loaded = [package for module, package in _PACKAGES.items() if module in sys.modules]
    return {"python": platform.python_version()} | _versions(loaded)


def _versions(packages: Iterable[str]) -> dict[str, str]:
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
