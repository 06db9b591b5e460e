rule frames:
    """Decode the frames that are used, cropped and scaled."""
    input:
        lambda wildcards: given_file(
            of_sequence("video")(wildcards), wildcards, f"{RESULTS}/frames.h5"
        ),
    output:
        kept("frames", f"{RESULTS}/frames.h5"),
    log:
        f"{LOGS}/frames.log",
    conda:
        ENVIRONMENT
    params:
        video=of_sequence("video"),
        crop=of_sequence("crop"),
        used=config["frames"],
        jpeg=REFERENCE,
        code=code_digest("extract_frames.py"),
    script:
        "../scripts/extract_frames.py"
