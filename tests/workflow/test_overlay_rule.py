"""The overlay video of the toy project, and what re-runs it."""

import numpy as np
from toy import N_FRAMES, SIDE, STEP
from video_files import decode

TARGET = "results/toy/right/overlay.mp4"


def test_it_is_made_by_name_and_by_its_own_code_and_inputs_alone(project):
    run = project.snakemake(target=TARGET)
    assert run.ok and run.jobs() == {"overlay": 1}, run.text
    header, pictures = decode(project.folder / TARGET, range(N_FRAMES))
    assert header.video.n_frames == (N_FRAMES - 1) // STEP * STEP + 1 and header.video.fps == 50
    # The video, enlarged, and beside it something else than white.
    assert min(header.video.size) > 5 * SIDE
    assert np.ptp(pictures[0][:, -100:]) > 200
    # Then it is made from other files, which are there already.
    config = project.config
    project.write_config(config | {"flow": config["flow"] | {"adaptation": "none"}})
    assert project.planned(target=TARGET) == {"overlay": 1}
    project.write_config(config)
    # What other pictures show, and what scores them.
    project.edit("workflow/scripts/flowpose/pictures/part.py", "_MARGIN = 1.35", "_MARGIN = 1.5")
    project.edit(
        "workflow/scripts/flowpose/evaluation/pose_metrics.py", "_PCK_MM = 150", "_PCK_MM = 99"
    )
    assert project.planned(target=TARGET) == {}
    project.edit(
        "workflow/scripts/flowpose/pictures/turning_view.py",
        "_PERIOD_S, _RAISED = 8.0",
        "_PERIOD_S, _RAISED = 9.0",
    )
    assert project.planned(target=TARGET) == {"overlay": 1}
