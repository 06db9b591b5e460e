# Files of the demo that its config names, where it does not run in the folder of the workflow, or not
# on its disk.
BROUGHT = set()
_own_files = CHECKOUT / "resources" / "demo"
if STORAGE or not (Path(DEMO).exists() and _own_files.samefile(DEMO)):
    BROUGHT = {f"{DEMO}/{path.name}" for path in _own_files.iterdir()}


rule bring_demo:
    """A file that comes with the workflow, to where that runs: paths stay as the config has them."""
    input:
        local(f"{CHECKOUT}/resources/demo/{{file}}"),
    output:
        f"{DEMO}/{{file}}",
    log:
        f"{DEMO}/logs/{{file}}.log",
    wildcard_constraints:
        file="|".join(re.escape(Path(path).name) for path in BROUGHT) or "(?!)",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        # What it brings is known by its digest, whatever code brings it.
        code="",
    script:
        "../scripts/bring_demo.py"
