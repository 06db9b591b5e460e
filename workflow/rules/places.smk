import hashlib
import os
import sys
import tarfile
import tempfile
from contextlib import suppress
from copy import deepcopy
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.path_modifier import PathModifier
from snakemake.sourcecache import HostingProviderFile, LocalGitFile, LocalSourceFile


def checkout_of(rules):
    """The folder of the workflow that these rules are of: a copy, if Snakemake reads them from Git.

    Of a repository Snakemake brings the files that it knows of, one by one and as text. The library
    and the demo are more than that.
    """
    if isinstance(rules, LocalSourceFile):
        return Path(rules.get_path_or_uri(secret_free=True)).parents[1]
    if not isinstance(rules, HostingProviderFile | LocalGitFile):
        raise WorkflowError(
            f"{rules}: flowpose cannot be read from a single file of the web (clone it, and name "
            "workflow/Snakefile of the clone; or name a repository: github(...), gitlab(...), gitfile(...))"
        )
    commit = commit_of(rules)
    folder = Path(workflow.sourcecache.cache_path) / "flowpose" / commit
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.TemporaryDirectory(dir=folder.parent) as temporary,
            tempfile.TemporaryFile() as archive,
        ):
            parts = ["workflow", "config", "envs", "resources"]
            repository_of(rules).archive(archive, commit, path=parts, format="tar")
            archive.seek(0)
            with tarfile.open(fileobj=archive) as tar:
                tar.extractall(f"{temporary}/whole", filter="data")
            # Another process may have been faster.
            with suppress(OSError):
                os.rename(f"{temporary}/whole", folder)
    return folder


def repository_of(rules):
    """The Git repository that rules are read from."""
    from git import Repo

    if isinstance(rules, HostingProviderFile):
        return rules.hosted_repo.repo
    return Repo(rules.repo_path)


def commit_of(rules):
    """The commit that rules are read from, the same in all jobs of a run, be its branch going on."""
    name = hashlib.sha256(str(rules).encode()).hexdigest()[:12]
    # Snakemake has this folder anew in every run, and its jobs have it too.
    pin = Path(workflow.sourcecache.runtime_cache_path) / f"flowpose-{name}"
    if not pin.exists():
        pin.write_text(repository_of(rules).commit(rules.ref).hexsha)
    return pin.read_text()


def moved(folder):
    """Where a folder of what is made lies, by the `prefix` or `replace_prefix` of a module."""
    return Path(_replace_prefix(f"{folder}/"))


def given_config():
    """The config as it was given, but for the folder of results, which a module may move."""
    given = deepcopy(config)
    results = given.get("results", "results")
    # What is no text is for the schema to judge.
    if IS_MODULE and isinstance(results, str):
        given["results"] = str(moved(results))
    return given


def in_place(value):
    """A part of the config with the paths of what is brought from elsewhere where that is moved to."""
    if isinstance(value, dict):
        return {key: in_place(item) for key, item in value.items()}
    if isinstance(value, str):
        for folder in FROM_ELSEWHERE:
            if Path(value).is_relative_to(folder):
                return str(moved(folder) / Path(value).relative_to(folder))
    return value


def is_own(rule):
    """Whether a rule is one of these, and not of a workflow that has these as a module."""
    return str(rule.basedir) == RULES


def is_made_by_others(path):
    """Whether a rule of the workflow that has these as a module makes what the config names.

    Those that stand after the module are there only when all rules have been read.
    """
    return is_made_among(path, len(workflow.rules))


@cache
def is_made_among(path, n_rules):
    """The same, looked for once among so many rules."""
    others = (maker for maker in workflow.rules if not is_own(maker))
    return any(maker.is_producer(path) for maker in others)


# The workflow itself lies here; it may be used from any folder, and by those who cannot write to it.
CHECKOUT = checkout_of(workflow.current_basedir)
RULES = str(CHECKOUT / "workflow" / "rules")
CONFIGFILE = "config/config.yaml"
if not Path(CONFIGFILE).exists():
    CONFIGFILE = str(CHECKOUT / CONFIGFILE)

# As a module: what is made goes where that says. What the config names is relative to where
# Snakemake runs, so Snakemake itself shall move nothing.
IS_MODULE = not workflow.modifier.is_main_snakefile()
_replace_prefix = workflow.modifier.path_modifier.replace_prefix
if IS_MODULE:
    workflow.modifier.path_modifier = PathModifier(None, None, workflow)

sys.path.insert(0, str(CHECKOUT / "workflow" / "scripts"))

try:
    import code_digest
    import configuration
    import given_inputs
except ModuleNotFoundError as error:
    raise WorkflowError(
        f"{sys.executable}, which runs Snakemake, has no {error.name} (install what flowpose runs on: "
        f"pip install --require-hashes -r {CHECKOUT}/envs/requirements.txt)"
    )

if code_digest.SCRIPTS != CHECKOUT / "workflow" / "scripts":
    raise WorkflowError(
        f"{CHECKOUT}: {code_digest.__file__} was imported before (a workflow cannot have two versions "
        "of flowpose, nor modules of its own of the same names)"
    )

# What the workflow brings to where it runs: downloads, and files that come with it.
FROM_ELSEWHERE = (configuration.DOWNLOADS, "resources/demo")
DOWNLOADS, DEMO = (str(moved(folder)) for folder in FROM_ELSEWHERE)
ENVIRONMENTS = str(moved("resources/environments"))
