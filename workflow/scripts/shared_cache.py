"""What Snakemake's cache between workflows (--cache) may share."""

import hashlib
import json
import os
from pathlib import Path

from flowpose.runtime.software import installed_software

_VARIABLE = "SNAKEMAKE_OUTPUT_CACHE"


def separate_by_software() -> None:
    """Have the cache in a folder of its own for the versions of Python and of packages.

    They decide results, and Snakemake does not know of them. Calling this again changes nothing.
    """
    cache = Path(os.environ.get(_VARIABLE, ""))
    versions = json.dumps(installed_software(), sort_keys=True)
    name = f"flowpose-{hashlib.sha256(versions.encode()).hexdigest()[:12]}"
    if os.environ.get(_VARIABLE) and cache.is_dir() and cache.name != name:
        (cache / name).mkdir(exist_ok=True)
        os.environ[_VARIABLE] = str(cache / name)
