rule labels:
    """The labels of Human3.6M as VideoPose3D makes them, from the data set as it comes."""
    input:
        lambda wildcards: raw_files(config["human36m"]["raw"], f"{LABELS}/labels.json"),
    output:
        labels_3d=f"{LABELS}/data_3d_h36m.npz",
        labels_2d=f"{LABELS}/data_2d_h36m_gt.npz",
    log:
        f"{LABELS}/labels.log",
    conda:
        ENVIRONMENT
    params:
        raw=lambda wildcards: config["human36m"]["raw"],
        listing=lambda wildcards: names_digest(
            raw_files(config["human36m"]["raw"], f"{LABELS}/labels.json")
        ),
        joints_2d=lambda wildcards: config["human36m"]["joints_2d"],
        code=code_digest("make_labels.py"),
    script:
        "../scripts/make_labels.py"
