"""What every rule's script has around its library calls: a log, progress, clear errors."""

import logging
import os
import platform
import resource
import signal
import sys
import textwrap
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw
from tqdm import tqdm

from default_storage import local_copy
from failures import DONE, TOOK, failure_in, failure_line
from flowpose.download.manifest import FOLDER_MANIFEST, check_folder
from flowpose.errors import FlowposeError, InputError
from flowpose.storage.provenance import Provenance
from flowpose.storage.stage_files import StageError, failure, write_failure
from job_log import exclusive
from job_provenance import provenance_of, record

# Until a job has begun, Ctrl-C ends its script without a traceback of what it was importing. So
# scripts import this module first.
signal.signal(signal.SIGINT, signal.SIG_DFL)

# Seconds between two lines of progress where it goes to a file.
_LOG_INTERVAL = 15


@contextmanager
def job(snakemake) -> Iterator[Provenance]:
    """Run the body of a rule's script.

    Yields:
        What the output files shall say of their making.

    An error becomes one message at the end of the log, which the run shows when it ends, and ends
    the script; with the config's `allow_missing`, bad input becomes the content of the rule's
    output instead, so that the workflow goes on and the table can say what is missing and why.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    start = time.monotonic()
    log = Path(snakemake.log[0])
    log.parent.mkdir(parents=True, exist_ok=True)
    with exclusive(log) as stream:
        logging.basicConfig(
            level=logging.INFO, format="%(asctime)s %(message)s", stream=stream, force=True
        )
        # Of every font in a PDF it tells all that it leaves out.
        logging.getLogger("fontTools").setLevel(logging.WARNING)
        # A full disk shall be reported once, by what could not be written.
        logging.raiseExceptions = False
        outputs = list(snakemake.output)
        logging.info("%s, %d threads: %s", snakemake.rule, snakemake.threads, outputs)
        if gpus := os.environ.get("SLURM_STEP_GPUS", os.environ.get("CUDA_VISIBLE_DEVICES")):
            logging.info("%s has set aside GPU %s", platform.node(), gpus)
        try:
            if _is_of_a_sequence(snakemake):
                _refuse_failed(snakemake.input)
            for path in snakemake.input:
                if Path(path).name == FOLDER_MANIFEST:
                    check_folder(Path(path))
            provenance = provenance_of(snakemake)
            yield provenance
            record(snakemake, provenance)
        except FlowposeError as error:
            sys.exit(_fail(snakemake, error))
        except KeyboardInterrupt:
            logging.error("interrupted")
            sys.exit(130)
        except Exception as error:
            logging.error(traceback.format_exc())
            where = f"{type(error).__name__}: {error} (how it came about: {log})"
            sys.exit(_fail(snakemake, FlowposeError(where)))
        logging.info(TOOK, time.monotonic() - start, _peak_mb())
        logging.info(DONE)


def brought(snakemake, value: Any) -> Any:
    """A path of the config, or a dictionary of some, as that of the input that it is."""
    return local_copy(value, list(snakemake.input), snakemake.config["local_copies"])


def _peak_mb() -> float:
    """MB of memory that this process, or one that it has run, has held at most."""
    units = 2**20 if sys.platform == "darwin" else 2**10
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(of).ru_maxrss for of in who) / units


def title(snakemake) -> str:
    """What a job works on, for messages."""
    return " ".join([snakemake.rule, *map(str, snakemake.wildcards)])


def warn(snakemake, message: str) -> None:
    """Say something in the log and on the screen."""
    logging.warning(message)
    print(f"\n{title(snakemake)}: {message}\n", file=sys.stderr)


def _interval() -> float:
    """Seconds between two looks of a progress bar."""
    return 0.5 if sys.stderr.isatty() else _LOG_INTERVAL


def transfer_progress(snakemake) -> Callable[[int, int | None], None]:
    """Shows how much of a file has come, as `progress` does, given its bytes so far and in all."""
    interval = _interval()
    bar = tqdm(
        desc=title(snakemake), unit="B", unit_scale=True, mininterval=interval, delay=interval
    )

    def show(so_far: int, in_all: int | None) -> None:
        bar.total = in_all
        # Less than before, if this is another file.
        bar.update(so_far - bar.n)

    return show


def progress(
    snakemake, unit: str, total_of_iterator: int | None = None
) -> Callable[[Iterable], Iterable]:
    """Wraps an iterable in a progress bar on the screen, or in lines now and then in a file."""
    interval = _interval()

    def bar(iterable: Iterable) -> Iterable:
        total = total_of_iterator if not hasattr(iterable, "__len__") else None
        return tqdm(iterable, desc=title(snakemake), unit=unit, total=total, mininterval=interval)

    return bar


def _is_of_a_sequence(snakemake) -> bool:
    return hasattr(snakemake.wildcards, "sequence")


def _refuse_failed(paths: Iterable[str]) -> None:
    """Pass the failure of an earlier stage on."""
    for path in paths:
        if path.endswith(".h5") and (reason := failure(path)):
            raise StageError(reason)


def _write_notice(path: str, text: str) -> None:
    """A picture that says only why there is none."""
    lines = textwrap.fill(text, 90)
    picture = Image.new("RGB", (800, 200), "white")
    ImageDraw.Draw(picture).text((20, 20), lines, fill="black", font_size=16)
    picture.save(path)


def _fail(snakemake, error: FlowposeError) -> int:
    """Write down an error; returns the script's exit status.

    With `allow_missing`, bad input becomes the content of the outputs. What is wrong with the
    machine or a download does not: it may be right at the next try.
    """
    allowed = snakemake.config["allow_missing"] and isinstance(error, InputError)
    if not (allowed and _is_of_a_sequence(snakemake)):
        message = f"{title(snakemake)}: {error}"
        logging.error(failure_line(message))
        if not failure_in(snakemake.log[0]):
            # The log has no room for it.
            print(f"\n{message}\n", file=sys.stderr)
        return 1
    if not isinstance(error, StageError):
        warn(snakemake, str(error))
    # Its inputs may be what is damaged.
    provenance = provenance_of(snakemake, with_ancestors=False)
    for path in snakemake.output:
        if path.endswith(".h5"):
            write_failure(path, provenance, str(error))
        elif path.endswith((".png", ".pdf")):
            _write_notice(path, f"{snakemake.wildcards.sequence}: {error}")
        elif Path(path).suffix:
            Path(path).touch()
        else:
            # A folder of files.
            Path(path).mkdir(parents=True, exist_ok=True)
    record(snakemake, provenance)
    return 0
