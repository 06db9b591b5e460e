from snakemake.io import is_flagged
from snakemake.iocontainers import Wildcards


def record_of(path, outputs, log):
    """The file that tells how `path` was made: an HDF5 file, or the record beside the log."""
    if path.endswith(".h5"):
        return path
    whole = [file for file in outputs if file.endswith(".h5")]
    return str(whole[0] if whole else Path(log).with_suffix(".json"))


def exports_there():
    """What has been exported, listed in the config or not."""
    named = expand(f"{RESULTS}/{{file}}", sequence=SEQUENCES, file=EXPORTS)
    return [path for path in named if Path(path).exists()]


def everything_made():
    """Every file of the results, and how it would be made now."""
    without_storage("verify", "copy the results to a disk, and run it there")
    own = [maker for maker in workflow.rules if is_own(maker)]
    found, todo = {}, [*map(str, rules.all.input), *exports_there()]
    while todo:
        path = todo.pop()
        maker = next((made for made in own if made.is_producer(path)), None)
        elsewhere = path.startswith((DOWNLOADS, ENVIRONMENTS)) or path in BROUGHT
        if path in found or maker is None or elsewhere:
            continue
        wildcards = Wildcards(fromdict=maker.get_wildcards(path))
        inputs, *_ = maker.expand_input(wildcards)
        outputs, _ = maker.expand_output(wildcards)
        params = {
            name: value(wildcards) if callable(value) else value
            for name, value in maker.params.items()
            # There one by one.
            if name != "settings"
        }
        unused = inputs.get("made_first", [])
        found[path] = {
            "path": path,
            "record": record_of(path, outputs, maker.expand_log(wildcards)[0]),
            "code": params.pop("code"),
            "parameters": params,
            "inputs": [str(file) for file in inputs if file not in unused],
            "kept": not any(
                is_flagged(file, "temp") for file in outputs if file == path
            ),
        }
        todo += map(str, [*inputs, *outputs])
    return [found[path] for path in sorted(found)]
