rule frames:
    """Decode the frames that are used, cropped and scaled."""
    input:
        used_video,
    output:
        kept("frames", f"{RESULTS}/frames.h5"),
    log:
        f"{LOGS}/frames.log",
    conda:
        ENVIRONMENT
    params:
        **settings_of("frames"),
        video=of_sequence("video"),
        # One that was missing and has come is to be read, however old it is.
        found=lambda wildcards: bool(used_video(wildcards)),
        crop=of_sequence("crop"),
        code=code_digest("extract_frames.py"),
    script:
        "../scripts/extract_frames.py"
