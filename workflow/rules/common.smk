import gc
import re
import shutil

from ablation import ablation
from code_digest import code_digest
from configuration import EXPORTS, ConfigError
from flowpose.download.manifest import FOLDER_MANIFEST
from flowpose.errors import InputError
from flowpose.video.image_folder import is_picture
from formats import FORMATS
from given_inputs import files_in, is_file, is_input, names_digest
from human36m_sequences import human36m_sequences, raw_files
from shared_cache import separate_by_software
from sharing import (
    Sharing,
    flow_of,
    is_reference,
    last_pose,
    made_from,
    settings,
    stage_of,
)
from video_sequences import SOURCES

# A plan makes millions of objects that all stay: to look for garbage among them is in vain.
gc.set_threshold(200_000, 20, 50)

# Those who name videos are told at the end what came out.
OWN_VIDEOS = any(isinstance(config.get(key), str) for key in SOURCES[:3])
try:
    CONFIGS, ROWS = ablation(given_config())
except ConfigError as error:
    raise WorkflowError(
        f"The config is not right:\n{error}\nEvery key: config/README.md"
    )
CONFIGS = in_place(CONFIGS) if IS_MODULE else CONFIGS
# Scripts see it, too, and where their inputs are brought to, if they are.
config = CONFIGS[""] | {"local_copies": STORAGE.root if STORAGE else ""}

DATASET = config["dataset"]
# What captions call the config: in a parameter, braces would be wildcards.
CONFIG_NAME = " + ".join(Path(file).name for file in workflow.configfiles) or DATASET
CONFIG_NAME = re.sub("[{}]", "", CONFIG_NAME)
CYCLES = config["cycles"]
FOLDER = config["results"]
RESULTS = f"{FOLDER}/{DATASET}/{{sequence}}"
LOGS = f"{RESULTS}/logs"
LABELS = f"{FOLDER}/{DATASET}/labels"
TABLES = f"{FOLDER}/{DATASET}"
ENVIRONMENT = "../../envs/flowpose.yaml"
# What the workflow estimates itself where a sequence has no estimates, and by what.
LANDMARKS = f"{RESULTS}/landmarks.h5"
MEDIAPIPE = local(f"{ENVIRONMENTS}/mediapipe/installed.txt")

# Either the config names sequences, or says where Human3.6M lies, of which some have no labels.
SEQUENCES, LEFT_OUT = config["sequences"], {}
if config["human36m"]:
    try:
        SEQUENCES, LEFT_OUT = human36m_sequences(config["human36m"], labels=LABELS)
    except InputError as error:
        raise WorkflowError(error)

# What the wildcard `sequence` may be: a sequence of the config, or one of a variant of it in an
# ablation, `<the variant's folder>/<sequence>`. A variant makes only what no variant before it makes
# alike; the config itself is the first.
SHARING = Sharing(CONFIGS)
# Where nothing is shared, a pattern says which file an input is, as it is of the sequence itself, and a
# parameter is the same for all sequences: Snakemake takes several times as long to ask a function.
PLAIN = SHARING.is_none()

# A flow job takes a GPU unless it cannot: told so, or nothing on this machine looks like one. On a
# cluster this machine says nothing of those that compute: there the profile sets the resource.
FLOW_GPUS = int(
    config["device"] == "cuda"
    or (config["device"] == "auto" and shutil.which("nvidia-smi") is not None)
)

# With allow_missing, a stage's file may say only why it could not be made: none is shared then.
SHARED = not config["allow_missing"]
if workflow.workflow_settings.cache is not None:
    separate_by_software()


ESTIMATED = {LANDMARKS.format(sequence=sequence) for sequence in SEQUENCES}
