"""The introduction of the report, as docutils reads it."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from docutils.core import publish_parts
from jinja2 import Template

TEXT = Path(__file__).parents[2] / "workflow" / "report" / "workflow.rst"
CONFIG = {
    "dataset": "mine",
    "mode": "default",
    "cycles": 2,
    "human36m": None,
    "ablation": None,
    "sequences": {"walk": {}, "run": {}},
    "flow": {
        "adaptation": "finetune",
        "model": "raft_large",
        "weights": "raft.pth",
        "passes": 3,
        "updates": 8,
    },
    "pose": {"solver": "gauss_newton"},
}


def introduction(**changes):
    """The text without its tags; what is wrong in it raises."""
    text = Template(TEXT.read_text()).render(snakemake=SimpleNamespace(config=CONFIG | changes))
    settings = {"halt_level": 2, "report_level": 2}
    return publish_parts(text, writer="pseudoxml", settings_overrides=settings)["whole"]


def test_names_that_end_in_an_underscore_are_no_links():
    # What a folder's name cannot have becomes one.
    text = introduction(dataset="my_", sequences={"clip _1_": {}, "läufer_": {}})
    assert "flowpose on my_" in text and "2 sequences: clip _1_, läufer_." in text


def test_one_sequence_and_one_cycle_are_one():
    text = introduction(sequences={"walk": {}}, cycles=1)
    assert "1 sequence: walk." in text and "1 cycle of refining" in text


@pytest.mark.parametrize(
    ("adaptation", "said", "passes"),
    [
        ("finetune", "against the flow and finetuning RAFT toward the motion of the pose (", True),
        ("fuse", "against the flow and drawing the motion of the pose over the flow (", False),
        ("none", "against the flow, which stays as RAFT gives it (", False),
    ],
)
def test_it_says_what_became_of_the_flow(adaptation, said, passes):
    text = introduction(flow=CONFIG["flow"] | {"adaptation": adaptation})
    assert said in text and ("passes a cycle: 3" in text) == passes
    assert "gauss_newton" in text


def test_mode_reference_finetunes_and_has_adam_whatever_the_config_says():
    text = introduction(mode="reference", flow=CONFIG["flow"] | {"adaptation": "none"})
    assert "finetuning RAFT" in text and "adam" in text and "gauss_newton" not in text
