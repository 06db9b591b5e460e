"""What the profiles for clusters say of rules and reruns."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SLURM, KUBERNETES, DEFAULT = (
    yaml.safe_load((ROOT / "profiles" / name / "config.yaml").read_text())
    for name in ("slurm", "kubernetes", "default")
)
of_clusters = pytest.mark.parametrize("profile", [SLURM, KUBERNETES], ids=["slurm", "kubernetes"])
RULES = {
    rule: text
    for path in (ROOT / "workflow" / "rules").glob("*.smk")
    for rule, text in re.findall(r"^rule (\w+):\n((?: .*\n|\n)*)", path.read_text(), re.MULTILINE)
}


@of_clusters
@pytest.mark.parametrize("key", ["groups", "set-resources"])
def test_rules_exist(profile, key):
    assert set(profile[key]) <= set(RULES)


@of_clusters
def test_gpus_for_the_rules_that_can_use_one(profile):
    asked = {rule for rule, resources in profile["set-resources"].items() if "gpu" in resources}
    assert asked == {rule for rule, text in RULES.items() if "gpu=FLOW_GPUS" in text}


def test_a_pod_with_a_gpu_has_limits_and_says_of_which_make():
    """What the executor for Kubernetes wants: `scale: 0` gives limits."""
    resources = [KUBERNETES["set-resources"][rule] for rule in ("flow_initial", "flow_finetuned")]
    assert resources == [{"gpu": 1, "gpu_manufacturer": "nvidia", "scale": 0}] * 2


@of_clusters
@pytest.mark.parametrize(
    "key", ["rerun-triggers", "max-checksum-file-size", "rerun-incomplete", "show-failed-logs"]
)
def test_the_same_runs_again_as_on_one_machine(profile, key):
    assert profile[key] == DEFAULT[key]


def test_the_same_runs_again_without_a_profile():
    text = (ROOT / "workflow" / "rules" / "settings.smk").read_text()
    triggers = re.search(r"frozenset\((.*?)\)", text, re.DOTALL)[1]
    named = re.findall(r"RerunTrigger\.(\w+)", triggers)
    assert [name.lower().replace("_", "-") for name in named] == DEFAULT["rerun-triggers"]
    (size,) = re.findall(r"max_checksum_file_size = ([\d_]+)", text)
    assert f"{int(size) // 10**9}GB" == DEFAULT["max-checksum-file-size"]
    assert "force_incomplete = True" in text and DEFAULT["rerun-incomplete"] is True
