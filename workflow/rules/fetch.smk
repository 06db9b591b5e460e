rule fetch_download:
    """What a download of the config is, as it comes, with its manifest; nothing is installed.

    What has come outlives a failure and is completed or verified the next time, so none of it is
    an output of Snakemake's but this copy of the manifest.
    """
    output:
        f"{DOWNLOADS}/{{package}}/fetched/VERIFIED.sha256",
    log:
        f"{DOWNLOADS}/logs/{{package}}.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        download=lambda wildcards: config["downloads"][wildcards.package],
        code=code_digest("fetch_download.py"),
    script:
        "../scripts/fetch_download.py"


rule take_member:
    """One file out of a download.

    The manifest never changes once it is there, so to verify it again, or at another address,
    takes and computes nothing anew; what the config says about the content does.
    """
    input:
        ancient(f"{DOWNLOADS}/{{package}}/fetched/VERIFIED.sha256"),
    output:
        f"{DOWNLOADS}/{{package}}/{{member}}",
    log:
        f"{DOWNLOADS}/logs/{{package}}/{{member}}.log",
    wildcard_constraints:
        member=r"(?!fetched/).+",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        member="{member}",
        content=lambda wildcards: config["downloads"][wildcards.package].get("sha256"),
        code=code_digest("take_member.py"),
    script:
        "../scripts/take_member.py"


def named_downloads(value=config):
    """All files of downloads that the config, or a part of it, names."""
    if isinstance(value, dict):
        return [path for item in value.values() for path in named_downloads(item)]
    made = isinstance(value, str) and Path(value).is_relative_to(DOWNLOADS)
    return [value] if made else []


rule fetch:
    input:
        expand(rules.fetch_download.output, package=config["downloads"]),
        named_downloads(),
    """All that must be downloaded, and nothing else."""
    localrule: True
