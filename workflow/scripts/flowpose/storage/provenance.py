"""What files say of their making: settings, code, software and inputs, back to the first ones."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from flowpose.errors import check
from flowpose.storage.whole_files import damage_named, replacing, sha256


@dataclass(frozen=True)
class Provenance:
    """What made a file.

    Attributes:
        stage: name of the step.
        parameters: the settings it ran with.
        threads: how many it ran on; results differ in their last digits by that.
        code: digest of its code.
        inputs: SHA-256 of each input file, by path.
        software: versions of Python and of the packages that were used.
        ancestors: what made the inputs, and what those were made from, by path: these files may be
            gone (without ancestors of their own).
    """

    stage: str
    parameters: Mapping[str, object]
    threads: int
    code: str
    inputs: Mapping[str, str]
    software: Mapping[str, str] = field(default_factory=dict)
    ancestors: Mapping[str, "Provenance"] = field(default_factory=dict)

    def lineage(self, path: str) -> dict[str, "Provenance"]:
        """What a file made from `path`, which this has made, has for ancestors through it."""
        return {**self.ancestors, path: replace(self, ancestors={})}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Provenance":
        """What `asdict` has made."""
        ancestors = {path: cls(**made) for path, made in record["ancestors"].items()}
        return cls(**{**record, "ancestors": ancestors})


def write_record(path: Path | str, provenance: Provenance, outputs: Iterable[Path | str]) -> None:
    """Write down what made files that have no place for it themselves, and their digests."""
    digests = {str(output): sha256(output) for output in outputs}
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(asdict(provenance) | {"outputs": digests}, indent=1))


def read_record(path: Path | str, output: Path | str) -> Provenance:
    """What made a file that is not HDF5.

    Raises:
        InputError: there is no record of it, or the file is not as it was written.
    """
    check(Path(path).is_file(), path, f"no such file: nothing tells how {output} was made")
    with damage_named(path):
        record = json.loads(Path(path).read_text())
        digest = record.pop("outputs")[str(output)]
    check(sha256(output) == digest, output, "its content is not what was written")
    return Provenance.from_json(record)
