"""A config that is not right is refused at once, with the key and what is allowed."""

import pytest


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("cycels", 2, "cycels: unknown key; allowed: dataset, results, mode, cycles"),
        ("pose.weights.flw", 1, "pose.weights.flw: unknown key; allowed: prior, temporal, bones"),
        ("cycles", 0, "cycles: 0 is less than the minimum of 1; allowed: a whole number from 1"),
        ("cycles", "two", "cycles: 'two' is not of type 'integer'"),
        ("mode", "fast", "mode: 'fast' is not one of ['default', 'reference']"),
        ("flow.learning_rate", -1, "flow.learning_rate: -1 is less than or equal to the minimum"),
        ("flow.weights", None, "flow.weights: None is not of type 'string'"),
        ("flow.weights", "resources/downloads/rft/a.pth", "a.pth is of a download 'rft', and down"),
        ("sequences.right.crop", [0, 0, 10], "sequences.right.crop: [0, 0, 10] is too short"),
        ("sequences.right.video", ..., "sequences.right.video: this key must be set"),
        ("dataset", "../evil", "dataset: '../evil' does not match"),
    ],
)
def test_refused(project, path, value, message):
    config = project.config
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
    assert message in run.text
    assert "Traceback" not in run.text
