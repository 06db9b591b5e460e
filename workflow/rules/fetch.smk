rule fetch_download:
    """What a download of the config is, as it comes, with its manifest; nothing is installed.

    What has come outlives a failure and is completed or verified the next time, so none of it is
    an output of Snakemake's but this copy of the manifest. It stays on this machine; what is taken of
    it goes into a default storage, if there is one.
    """
    output:
        local(f"{DOWNLOADS}/{{package}}/fetched/VERIFIED.sha256"),
    log:
        f"{DOWNLOADS}/logs/{{package}}.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        download=lambda wildcards: config["downloads"][wildcards.package],
        # What comes is known by its digest, whatever code brings it: new code re-runs no results.
        code="",
    script:
        "../scripts/fetch_download.py"


rule take_member:
    """One file out of a download."""
    input:
        local(f"{DOWNLOADS}/{{package}}/fetched/VERIFIED.sha256"),
    output:
        f"{DOWNLOADS}/{{package}}/{{member}}",
    log:
        f"{DOWNLOADS}/logs/{{package}}/{{member}}.log",
    wildcard_constraints:
        member=rf"(?!fetched/)(?!(.*/)?{re.escape(FOLDER_MANIFEST)}$).+",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        member="{member}",
        code=code_digest("take_member.py"),
    script:
        "../scripts/take_member.py"


rule take_folder:
    """All files in a folder of a download, or in all of it, with a manifest that stands for them."""
    input:
        lambda wildcards: local(
            f"{DOWNLOADS}/{wildcards.folder.partition('/')[0]}/fetched/VERIFIED.sha256"
        ),
    output:
        f"{DOWNLOADS}/{{folder}}/{FOLDER_MANIFEST}",
    log:
        f"{DOWNLOADS}/logs/{{folder}}/folder.log",
    wildcard_constraints:
        folder=rf"({'|'.join(map(re.escape, config['downloads'])) or 'none'})(/(?!fetched(/|$)).+)?",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        folder=lambda wildcards: wildcards.folder.partition("/")[2],
        code=code_digest("take_folder.py"),
    script:
        "../scripts/take_folder.py"


rule fetch:
    """All that must be downloaded, and nothing else."""
    input:
        [
            local(f"{DOWNLOADS}/{package}/fetched/VERIFIED.sha256")
            for package in config["downloads"]
        ],
        named_downloads,
        named_environments,
    localrule: True
