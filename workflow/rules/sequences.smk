# What the config says of sequences and their variants, as parameters and wildcards.
def in_variant(variant, sequence):
    """What the wildcard `sequence` is for a sequence in a variant of the config."""
    return f"{variant}/{sequence}" if variant else sequence


def config_of(sequence):
    """The config of the variant that a sequence is of; refuses what is none."""
    item_of(sequence)
    return CONFIGS[sequence.rpartition("/")[0]]


def item_of(sequence):
    """What the config says of a sequence, in all variants alike."""
    name = sequence.rpartition("/")[2]
    if name not in SEQUENCES:
        raise WorkflowError(
            f"{DATASET} has no sequence {name!r} (name it in the config's sequences)"
        )
    return SEQUENCES[name]


@cache
def parts_of(sequence):
    """Of each part that a sequence has what the config says of it, and its format."""
    item = item_of(sequence)
    parts = {**item, **item["estimates"]}
    return {
        part: (parts[part], FORMATS[part][parts[part]["format"]])
        for part in FORMATS
        if part in parts
    }


def named_by(sequence):
    """All that the config names for a sequence: key, path, and the stage that is made from it."""
    item = item_of(sequence)
    yield "video", item["video"], "frames"
    for part, (given, found) in parts_of(sequence).items():
        key = part if part in item else f"estimates.{part}"
        stage = "pose_0" if part == "pose" else part
        for path in found.paths(given, "file") + found.paths(given, "folder"):
            yield key, path, stage


def elsewhere():
    """Names of other configs' sequences that have files in this data set's folder which are given here."""
    given = {path for name in SEQUENCES for _, path, _ in named_by(name)}
    given |= {variant["flow"]["weights"] for variant in CONFIGS.values()}
    folders = "|".join(re.escape(f"{variant}/") for variant in CONFIGS if variant)
    place = re.compile(rf"{re.escape(TABLES)}/(?:{folders})?([^/]+)/")
    return {found[1] for found in map(place.match, given) if found} - SEQUENCES.keys()


SEQUENCES_ELSEWHERE = elsewhere()


def sequences_pattern(variants):
    """What the wildcard `sequence` may be in some variants, as a constraint.

    Not a list of the sequences: Snakemake goes through the pattern for every file of every job. What it
    takes for a sequence and is none, `item_of` refuses.
    """
    if not SEQUENCES or not variants:
        return "(?!)"
    folders = "|".join(
        re.escape(f"{variant}/") if variant else "" for variant in variants
    )
    elsewhere = "|".join(map(re.escape, sorted(SEQUENCES_ELSEWHERE)))
    return f"(?:{folders})(?!(?:{elsewhere})/)[^/]+"


def adapted_by(way):
    """The wildcard `sequence` in those variants whose flow is adapted in a way."""
    return sequences_pattern(
        [name for name in CONFIGS if flow_of(CONFIGS[name])["adaptation"] == way]
    )


wildcard_constraints:
    sequence=sequences_pattern(CONFIGS),
    cycle=r"[1-9]\d*",
    package="|".join(map(re.escape, config["downloads"])) or "none",


def said(key, sequence):
    """What the config says of a sequence, or else of all."""
    item = item_of(sequence)
    return item[key] if key in item else config[key]


def in_all(function):
    """A parameter: what a function gives for all sequences, or a function where that is not the same."""
    # By what Snakemake compares: 25 and 25.0 are not the same.
    values = {repr(value): value for value in map(function, SEQUENCES)}
    if len(values) == 1:
        return next(iter(values.values()))
    return lambda wildcards: function(wildcards.sequence)


def of_sequence(key):
    """A parameter: what the config says of the sequence, or else of all."""
    return in_all(lambda sequence: said(key, sequence))


def keys(part, sequence):
    """The keys that the reader of a part of a sequence takes, in whatever order they are given."""
    given, _ = parts_of(sequence).get(part, ({}, None))
    return {key: value for key, value in sorted(given.items()) if key != "format"}


def keys_of(part):
    """A parameter: the keys that a part's reader takes."""
    return in_all(lambda sequence: keys(part, sequence))


def reader(part, sequence):
    """The module that reads a part of a sequence; none, if it has none."""
    return parts_of(sequence)[part][1].module if part in parts_of(sequence) else None


def reader_of(part):
    """A parameter: the module that reads a part."""
    return in_all(lambda sequence: reader(part, sequence))


def code_with_readers(script, parts):
    """A parameter: the digest of a script and of the readers that the sequence uses."""

    def digest(sequence):
        readers = (reader(part, sequence) for part in parts)
        return code_digest(script, *filter(None, readers))

    return in_all(digest)


def where_cropped_to_person(function):
    """A function of the sequence: nothing where its crop is not found from its keypoints."""
    if not any(said("crop", sequence) == "person" for sequence in SEQUENCES):
        return []
    return lambda wildcards: (
        function(wildcards) if said("crop", wildcards.sequence) == "person" else []
    )


def crop_modules(sequence):
    """What finds the crop of a sequence's person, and what reads the keypoints, if that is its crop."""
    if said("crop", sequence) != "person":
        return []
    return ["flowpose.pose.person_crop", reader("keypoints", sequence)]


def crop_keys(sequence):
    """The keys that this reader takes."""
    return keys("keypoints", sequence) if crop_modules(sequence) else []


def given_crop(sequence):
    """The crop of a sequence, if it is known before there are keypoints."""
    crop = said("crop", sequence)
    return None if crop == "person" else crop


def part_used(sequence):
    """From when to when some variant uses the video of a sequence, s; None: no limit."""
    own = item_of(sequence).get("frames")
    used = [own or variant["frames"] for variant in CONFIGS.values()]
    starts, ends = ([frames[key] for frames in used] for key in ("start", "end"))
    return {
        "start": None if None in starts else min(starts),
        "end": None if None in ends else max(ends),
    }
