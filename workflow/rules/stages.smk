# What stages depend on: settings of the config, and files of other stages.
@cache
def settings_in(rule, variant, name):
    """What a result depends on in a variant, of a sequence with frames of its own or of all others."""
    own = {"frames": SEQUENCES[name]["frames"]} if name else {}
    return settings(rule, CONFIGS[variant] | own)


def settings_of(rule):
    """Parameters: what the result of a rule depends on in the variant's config.

    Besides, all of it as one, with the owners of the files that it is made from, which move with the
    config: Snakemake compares the set of parameters' values with that of the last run, and sees nothing
    where one takes a value that another has.
    """

    def all_settings(wildcards):
        variant, _, name = wildcards.sequence.rpartition("/")
        own = "frames" in item_of(wildcards.sequence)
        return settings_in(rule, variant, name if own else None)

    own_frames = any("frames" in item for item in SEQUENCES.values())
    varies = len(CONFIGS) > 1 or (own_frames and rule == "frames")

    def setting(key):
        if varies:
            return lambda wildcards: all_settings(wildcards)[key]
        return settings(rule, config)[key]

    def all_and_owners(wildcards):
        variant = wildcards.sequence.rpartition("/")[0]
        stages = made_from(stage_of(rule, **wildcards), CONFIGS[variant])
        owners = [SHARING.owner(variant, stage) for stage in stages]
        return all_settings(wildcards) | {"owners": owners}

    return {key: setting(key) for key in settings(rule, config)} | {
        "settings": all_and_owners
    }


def stage_file(sequence, file):
    """The file that stands for one of a sequence's stages: of the first variant that makes it alike."""
    variant, _, name = sequence.rpartition("/")
    stage, _, suffix = file.rpartition(".")
    owner, stage = SHARING.owner(variant, stage)
    folder = RESULTS.format(sequence=in_variant(owner, name))
    return f"{folder}/{stage}.{suffix}"


def of_stage(file):
    """An input: a file of the sequence, in the wildcard's cycle."""
    if PLAIN:
        return f"{RESULTS}/{file}"
    return lambda wildcards: stage_file(wildcards.sequence, file.format(**wildcards))


def in_cycles(file, cycles):
    """An input: a file of the sequence in those cycles that its config has."""
    if PLAIN:
        return [f"{RESULTS}/{file}".replace("{cycle}", str(k)) for k in cycles(config)]
    return lambda wildcards: [
        stage_file(wildcards.sequence, file.format(cycle=cycle))
        for cycle in cycles(config_of(wildcards.sequence))
    ]


def owners(file, cycles):
    """A parameter: whose files those of `in_cycles` are, which moves with the config."""

    def found(variant):
        stages = (file.format(cycle=cycle) for cycle in cycles(CONFIGS[variant]))
        return [in_variant(*SHARING.owner(variant, stage)) for stage in stages]

    if len(CONFIGS) == 1:
        return found("")
    return lambda wildcards: found(wildcards.sequence.rpartition("/")[0])


def flow_cycles(config):
    """The cycles that have a flow."""
    return range(config["cycles"] + 1)


def pose_cycles(config):
    """The cycles that have a pose of their own."""
    return range(last_pose(config) + 1)


def ends_of(cycles):
    """Of the cycles of a config the first and the last."""

    def ends(config):
        found = cycles(config)
        return sorted({found[0], found[-1]})

    return ends


def kept(kind, path):
    """An output that stays, or goes once all that is made from it is there: as the config says."""
    return path if config["keep"][kind] else temp(path)


def of_cycle_before(file):
    """An input function: a file of the sequence in the cycle before."""
    return lambda wildcards: stage_file(
        wildcards.sequence, file.format(cycle=int(wildcards.cycle) - 1)
    )


def pose_for_flow(wildcards):
    """An input function: the pose that a cycle's flow learns toward."""
    before = is_reference(config_of(wildcards.sequence))
    cycle = int(wildcards.cycle) - (1 if before else 0)
    return stage_file(wildcards.sequence, f"pose_{cycle}.h5")


def flow_for_pose(wildcards):
    """An input function: the flow that a cycle's pose is refined against."""
    same = is_reference(config_of(wildcards.sequence))
    cycle = int(wildcards.cycle) - (0 if same else 1)
    return stage_file(wildcards.sequence, f"flow_{cycle}.h5")


def pose_of_cycle(wildcards):
    """An input function: the pose of the sequence in a cycle; the last one, if it has none."""
    cycle = min(int(wildcards.cycle), last_pose(config_of(wildcards.sequence)))
    return stage_file(wildcards.sequence, f"pose_{cycle}.h5")


def last_pose_of(wildcards):
    """An input function: the pose of the sequence after the last refinement."""
    cycle = last_pose(config_of(wildcards.sequence))
    return stage_file(wildcards.sequence, f"pose_{cycle}.h5")


def last_flow_of(wildcards):
    """An input function: the flow of the sequence in the last cycle."""
    cycle = config_of(wildcards.sequence)["cycles"]
    return stage_file(wildcards.sequence, f"flow_{cycle}.h5")


def true_flow_of(wildcards):
    """An input function: the true flow of a sequence, if that is known."""
    known = "true_flow" in parts_of(wildcards.sequence)
    return [stage_file(wildcards.sequence, "true_flow.h5")] if known else []


def first_weights(made):
    """An input function: RAFT as loaded, to make a file of the sequence from."""
    return lambda wildcards: given_file(
        config_of(wildcards.sequence)["flow"]["weights"], wildcards, f"{RESULTS}/{made}"
    )


def weights_before(wildcards):
    """An input function: the RAFT that a cycle's finetuning starts from."""
    if wildcards.cycle == "1":
        return first_weights("flow_1.h5")(wildcards)
    return of_cycle_before("flow_{cycle}.pt")(wildcards)


def already_there(path):
    """Whether a file that the workflow makes is there."""
    if STORAGE:
        return STORAGE.has(path_in_config(path, STORAGE.root))
    return Path(path).exists()


def made_before_flows(wildcards):
    """What the first flow waits for, though it does not use it: bad input is to be found early.

    Once there is a flow, it does not, so that a changed truth does not re-run it. (With `ancient`
    inputs, Snakemake overlooks other reasons to run it, where the truth is made again.)
    """
    folder = RESULTS.format(sequence=wildcards.sequence)
    if inputs_count() or already_there(f"{folder}/flow_0.h5"):
        return []
    stages = ("truth.h5", "keypoints.h5", "pose_0.h5")
    files = [stage_file(wildcards.sequence, stage) for stage in stages]
    return [*files, *true_flow_of(wildcards)]


def environment_first(wildcards):
    """What the landmarks wait for; once there are some, newer packages re-run nothing, as elsewhere.

    (With an `ancient` input, Snakemake overlooks other reasons to run, where that is made again.)
    """
    there = already_there(LANDMARKS.format(**wildcards))
    # Without a shared disk it has the landmarks made where it lies itself, on this machine.
    return [] if there and not inputs_count() and not STORAGE else [MEDIAPIPE]


def tables_there(_):
    """This data set's table, and those that other configs have left in the same results.

    What else a storage holds cannot be asked: there it is this one alone.
    """
    others = [] if STORAGE else map(str, Path(FOLDER).glob("*/table.csv"))
    return sorted({f"{TABLES}/table.csv", *others})


def told_before_report(files):
    """An input function: none, but `snakemake --report` is told what to run where files are missing.

    Snakemake itself says no more than that one of them does not exist.
    """

    def nothing(_):
        reports = any(word.partition("=")[0] == "--report" for word in sys.argv)
        if not reports or "--report-after-run" in sys.argv:
            return []
        missing = [file for file in map(str, files) if not already_there(file)]
        if missing:
            n = len(missing) - 1
            others = f" and {n} other{'s' if n > 1 else ''}" if n else ""
            raise WorkflowError(
                f"There is no {missing[0]}{others} yet, which the report shows. Type the same without "
                "--report first (snakemake --cores 2), and then --report again."
            )
        return []

    return nothing


def pose_writer(wildcards):
    """A parameter function: the module that writes an export of poses."""
    return f"flowpose.exports.pose_{wildcards.format.partition('.')[0]}"


def flow_writer(wildcards):
    """A parameter function: the module that writes an export of flows."""
    return f"flowpose.exports.flow_{wildcards.format}"
