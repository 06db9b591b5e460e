"""A config that is not right is refused at once, with the keys and what is allowed."""

import pytest

# In each config all is wrong that can be told at once.
CONFIGS = {
    "keys and values": [
        ("cycels", 2, "cycels: unknown key; allowed: dataset, results, mode, cycles"),
        ("pose.weights.flw", 1, "pose.weights.flw: unknown key; allowed: prior, temporal, bones"),
        ("cycles", 0, "cycles: 0 is less than the minimum of 1; allowed: a whole number from 1"),
        ("mode", "fast", "mode: 'fast' is not one of ['default', 'reference']"),
        ("flow.learning_rate", -1, "flow.learning_rate: -1 is less than or equal to the minimum"),
        ("flow.weights", None, "flow.weights: None is not of type 'string'"),
        ("sequences.right.crop", [0, 0, 10], "sequences.right.crop: [0, 0, 10] is too short"),
        ("sequences.right.video", ..., "sequences.right.video: this key must be set"),
        ("dataset", "../evil", "dataset: '../evil' does not match"),
    ],
    "a text": [("cycles", "two", "cycles: 'two' is not of type 'integer'")],
    "a download": [
        ("flow.weights", "resources/downloads/rft/a.pth", "a.pth is of a download 'rft', and down")
    ],
}


@pytest.mark.parametrize("wrong", CONFIGS.values(), ids=CONFIGS)
def test_refused(project, wrong):
    config = project.config
    for path, value, _ in wrong:
        *parents, key = path.split(".")
        node = config
        for parent in parents:
            node = node.setdefault(parent, {})
        if value is ...:
            del node[key]
        else:
            node[key] = value
    project.write_config(config)
    run = project.snakemake("--dry-run")
    assert not run.ok
    for *_, message in wrong:
        assert message in run.text
    assert "Traceback" not in run.text
