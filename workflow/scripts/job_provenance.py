"""What a job's outputs say of their making, or a record beside its log in their place."""

import os
from collections.abc import Mapping
from itertools import chain
from pathlib import Path

import h5py

from default_storage import path_in_config
from flowpose.runtime.software import loaded_software
from flowpose.storage.provenance import Provenance, write_record
from flowpose.storage.stage_files import read_provenance
from flowpose.storage.whole_files import damage_named, sha256


def provenance_of(snakemake, *, with_ancestors: bool = True) -> Provenance:
    """What the outputs of a job shall say of their making."""
    files = _files_read(snakemake)
    # The settings are there one by one.
    parameters = {
        key: value for key, value in snakemake.params.items() if key not in ("code", "settings")
    }
    return Provenance(
        stage=snakemake.rule,
        parameters=parameters,
        threads=snakemake.threads,
        code=snakemake.params.code,
        inputs={name: sha256(path) for name, path in files.items()},
        software=loaded_software(),
        ancestors=_ancestors(files) if with_ancestors else {},
    )


def _files_read(snakemake) -> dict[str, str]:
    """The files that a job reads by their paths in the config; of folders those in them."""
    unused = set(snakemake.input.get("made_first", ()))
    paths = [path for path in snakemake.input if path not in unused]
    folders = (Path(path).rglob("[!.]*") for path in paths if Path(path).is_dir())
    files = filter(os.path.isfile, [*paths, *map(str, chain.from_iterable(folders))])
    return {path_in_config(path, snakemake.config["local_copies"]): path for path in files}


def _ancestors(files: Mapping[str, str]) -> dict[str, Provenance]:
    """What made the stage files among those that are read, and what those were made from."""
    found: dict[str, Provenance] = {}
    for name, path in files.items():
        if not h5py.is_hdf5(path):
            continue
        with damage_named(path), h5py.File(path) as h5:
            if "stage" in h5.attrs:
                found |= read_provenance(h5).lineage(name)
    return found


def record(snakemake, provenance: Provenance) -> None:
    """Write down what made the outputs, where none of them can tell it."""
    if not any(path.endswith(".h5") for path in snakemake.output):
        write_record(Path(snakemake.log[0]).with_suffix(".json"), provenance, snakemake.output)
