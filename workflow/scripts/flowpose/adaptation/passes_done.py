"""What a finetuning has come to after a pass, kept on disk so that an interrupted one can go on."""

import json
import logging
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from flowpose.errors import FlowposeError, check
from flowpose.storage.whole_files import check_zip, replacing


@dataclass(frozen=True)
class PassesDone:
    """All that the passes to come depend on: nothing in a finetuning is drawn at random.

    Attributes:
        weights: of the model, with BatchNorm's statistics.
        adam: the optimiser's state.
        losses: of every pair before its step, px.
    """

    weights: Mapping[str, Tensor]
    adam: Mapping[str, Any]
    losses: Float[Tensor, "passes n_pairs"]


class PassesFile:
    """The file of an unfinished finetuning, rewritten after every pass."""

    def __init__(self, path: Path | str, belongs_to: Mapping[str, object]) -> None:
        """Where the file is or will be.

        Args:
            belongs_to: all that the result depends on, as JSON can hold it: the passes of a
                finetuning in which anything of it was otherwise are of no use.
        """
        self._path = Path(path)
        self._belongs_to = json.dumps(belongs_to, sort_keys=True)

    def read(self) -> PassesDone | None:
        """What is to be gone on from, if there is such; the log tells why a file is not used."""
        if not self._path.is_file():
            return None
        try:
            check(zipfile.is_zipfile(self._path), self._path, "damaged: no zip archive")
            check_zip(self._path)
            found = torch.load(self._path, map_location="cpu", weights_only=True)
            belongs_to = found.pop("belongs_to")
            done = PassesDone(**found)
        except Exception as error:  # torch raises many kinds for what is damaged
            logging.warning("starts anew, as this is damaged: %s: %s", self._path, error)
            return None
        if belongs_to != self._belongs_to:
            logging.info("starts anew: %s is of other inputs, settings or code", self._path)
            return None
        return done

    def write(self, done: PassesDone) -> None:
        """Keep what was done in the place of what was kept before.

        That it cannot be kept is said in the log, and no reason to stop.
        """
        try:
            with replacing(self._path) as temporary:
                torch.save({**vars(done), "belongs_to": self._belongs_to}, temporary)
        except (FlowposeError, OSError, RuntimeError) as error:
            logging.warning("an interruption would cost the passes so far: %s", error)

    def remove(self) -> None:
        """The finetuning is finished."""
        self._path.unlink(missing_ok=True)
