"""Where the files of Human3.6M lie, as the data set comes and as others have converted it."""

# The folders of a subject that may have its 3D positions, as the data set comes and in the archive
# of Martinez et al., and the kinds of files they may be.
RAW_FOLDERS = ("MyPoseFeatures/D3_Positions", "MyPoses/3D_positions", ".")
RAW_KINDS = (".cdf", ".cdf.mat", ".h5")
