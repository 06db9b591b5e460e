# For sequences without estimates of their own. CONTRIBUTING.md says where another estimator goes.
rule mediapipe_environment:
    """MediaPipe in an environment of its own, once for all: it wants another NumPy."""
    input:
        local(f"{CHECKOUT}/envs/mediapipe.txt"),
    output:
        MEDIAPIPE,
    log:
        f"{ENVIRONMENTS}/logs/mediapipe.log",
    # Where the network is.
    localrule: True
    conda:
        ENVIRONMENT
    params:
        # Of MediaPipe 0.10.21 and of the workflow itself.
        pythons=["3.12", "3.11"],
        module="mediapipe",
        remedy="name estimates of your own, see docs/own-estimates.md: MediaPipe is there for Linux on "
        "x86-64 and for macOS",
        # What is made is known by the list of packages, whatever code installs them.
        code="",
    script:
        "../scripts/make_environment.py"


rule landmarks:
    """Where MediaPipe Pose sees one person, in the part of the video that is used."""
    input:
        video_for(LANDMARKS),
        made_first=environment_first,
    output:
        LANDMARKS,
    log:
        f"{LOGS}/landmarks.log",
    conda:
        ENVIRONMENT
    params:
        video=of_sequence("video"),
        listing=video_digest(LANDMARKS),
        fps=of_sequence("fps"),
        crop=in_all(given_crop),
        part=in_all(part_used),
        python=f"{ENVIRONMENTS}/mediapipe/bin/python",
        code=code_digest("estimate_landmarks.py"),
    script:
        "../scripts/estimate_landmarks.py"
