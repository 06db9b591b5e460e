# Files and folders that the config names, as inputs of rules.
def is_made(path):
    """Whether the workflow makes or fetches what the config names."""
    return is_made_here(path) or (IS_MODULE and is_made_by_others(path))


@cache
def is_made_here(path):
    """Whether one of these rules makes or fetches what the config names."""
    folders = (DOWNLOADS, LABELS)
    return (
        path in ESTIMATED
        or path in BROUGHT
        or any(map(Path(path).is_relative_to, folders))
    )


def given_file(path, wildcards, *made):
    """A file of the config as an input, if it is one that `made`, of the sequence, come from.

    In a storage it has to be there, and Snakemake says so before anything runs.
    """
    if STORAGE:
        return path
    outputs = [output.format(sequence=wildcards.sequence) for output in made]
    return path if is_made(path) or is_input(path, outputs) else []


def files_of(parts, *made):
    """An input function: all files that parts of the sequence name, to make `made` from."""

    def paths(wildcards):
        files = [
            given_file(path, wildcards, *made)
            for given, found in map(parts_of(wildcards.sequence).get, parts)
            for path in found.paths(given, "file")
        ]
        return list(
            dict.fromkeys([*filter(None, files), *in_folders(parts, *made)(wildcards)])
        )

    return paths


def in_folders(parts, *made):
    """An input function: the files in the folders that parts of the sequence name.

    A folder that is gone has those that the first of `made` was made from; a storage plugin brings
    folders as a whole.
    """

    def paths(wildcards):
        output = made[0].format(sequence=wildcards.sequence)
        return [
            path
            for given, found in map(parts_of(wildcards.sequence).get, parts)
            for folder in found.paths(given, "folder")
            for path in (
                [f"{folder}/{FOLDER_MANIFEST}"]
                if is_made(folder)
                else [folder] if STORAGE else files_in(folder, output, (found.pattern,))
            )
        ]

    return paths


def listing_of(parts, *made):
    """A parameter function: changes where a file that parts of the sequence name comes or goes."""
    return lambda wildcards: names_digest(files_of(parts, *made)(wildcards))


def video_for(made):
    """An input function: the video of the sequence, or the pictures in its folder, to make a file from.

    Nothing where there is none to read. A storage plugin brings a folder as a whole.
    """

    def paths(wildcards):
        video = item_of(wildcards.sequence)["video"]
        if STORAGE or is_made(video) or is_file(video):
            return [video]
        there = files_in(video, made.format(sequence=wildcards.sequence), ("*",))
        pictures = [file for file in there if is_picture(Path(file))]
        return pictures or list(filter(None, [given_file(video, wildcards, made)]))

    return paths


def video_digest(made):
    """A parameter function: changes where the video, or a picture, comes, however old, or goes."""
    return lambda wildcards: names_digest(video_for(made)(wildcards))


def named_downloads(_):
    """All that the config names of downloads: files, and of folders their manifests."""
    named = [variant["flow"]["weights"] for variant in CONFIGS.values()]
    for sequence, item in SEQUENCES.items():
        named.append(item["video"])
        for given, found in parts_of(sequence).values():
            named += found.paths(given, "file")
            folders = found.paths(given, "folder")
            named += [f"{folder}/{FOLDER_MANIFEST}" for folder in folders]
    return [
        path for path in dict.fromkeys(named) if Path(path).is_relative_to(DOWNLOADS)
    ]


def named_environments(_):
    """The environments of the estimators that sequences need."""
    named = (path for sequence in SEQUENCES for _, path, _ in named_by(sequence))
    return [] if ESTIMATED.isdisjoint(named) else [MEDIAPIPE]
