"""Rule overview: a page that tells what ran on a data set."""

from jobs import job
from flowpose.storage.whole_files import replacing
from overview import overview_page

with job(snakemake):
    params, inputs = snakemake.params, snakemake.input
    page = overview_page(
        params.dataset,
        {key: value for key, value in snakemake.config.items() if key != "local_copies"},
        name=params.config_name,
        tables=inputs.tables,
        scores=[*inputs.poses, *inputs.flows],
        logs=params.logs,
    )
    with replacing(snakemake.output[0]) as temporary:
        temporary.write_text(page, encoding="utf-8")
