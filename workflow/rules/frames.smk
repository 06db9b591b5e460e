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
        crop_modules=where_cropped_to_person(crop_modules),
        keypoints=where_cropped_to_person(keys_of("keypoints")),
        keypoints_listing=where_cropped_to_person(
            listing_of(["keypoints"], f"{RESULTS}/frames.h5")
        ),
        code=lambda wildcards: code_digest(
            "extract_frames.py", *where_cropped_to_person(crop_modules)(wildcards)
        ),
    script:
        "../scripts/extract_frames.py"
