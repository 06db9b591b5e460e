rule frames:
    """Decode the frames that are used, cropped and scaled."""
    input:
        video_for(f"{RESULTS}/frames.h5"),
        where_cropped_to_person(files_of(["keypoints"], f"{RESULTS}/frames.h5")),
    output:
        kept("frames", f"{RESULTS}/frames.h5"),
    log:
        f"{LOGS}/frames.log",
    conda:
        ENVIRONMENT
    params:
        **settings_of("frames"),
        video=of_sequence("video"),
        listing=video_digest(f"{RESULTS}/frames.h5"),
        fps=of_sequence("fps"),
        crop=of_sequence("crop"),
        crop_modules=in_all(crop_modules),
        keypoints=in_all(crop_keys),
        keypoints_listing=where_cropped_to_person(
            listing_of(["keypoints"], f"{RESULTS}/frames.h5")
        ),
        code=in_all(
            lambda sequence: code_digest("extract_frames.py", *crop_modules(sequence))
        ),
    script:
        "../scripts/extract_frames.py"
