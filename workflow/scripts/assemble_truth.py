"""Rule truth: where the joints were, by several calibrated cameras or Human3.6M's labels."""

import logging

from flowpose.datasets import multiview
from flowpose.datasets.human36m import recordings as human36m
from flowpose.pose.truth_file import write_truth
from flowpose.video.frames_file import read_header
from jobs import job

with job(snakemake) as provenance:
    given = snakemake.params.truth
    header = read_header(snakemake.input.frames)
    if given["format"] == "human36m":
        labels = human36m.read_labels(
            given["file"],
            given["file_2d"],
            subject=given["subject"],
            action=given["action"],
            camera=given["camera"],
        )
        for remark in labels.remarks:
            logging.info(remark)
        truth = human36m.truth(labels, header)
    else:
        joints = multiview.read_multiview(given["file"], given["camera"])
        truth = multiview.truth(joints, header, given["file"])
    write_truth(snakemake.output[0], truth, provenance)
