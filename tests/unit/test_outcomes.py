"""The last words of a run that has ended well."""

from outcomes import outcomes_text


def test_files_for_people_are_named_by_sequence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("figure.png", "pose_0.h5", "flow_1.pt", "pose.csv", ".flow_1.part"):
        for sequence in ("walk", "走る"):
            (tmp_path / "video" / sequence / "logs").mkdir(parents=True, exist_ok=True)
            (tmp_path / "video" / sequence / name).touch()
    for export in ("openpose", "flow/flo"):
        (tmp_path / "video" / "walk" / export).mkdir(parents=True)
    (tmp_path / "video" / "table.md").touch()
    text = outcomes_text(["video/walk", "video/走る", "video/none"], "video")
    assert text.splitlines()[:-2] == [
        "video/walk: figure.png, flow/flo, openpose, pose.csv",
        "video/走る: figure.png, pose.csv",
        "video: table.md",
    ]
    assert '"flow={passes: 8, updates: 20}" (as many passes and updates as in the paper' in text


def test_of_many_sequences_a_few_are_shown(tmp_path):
    folders = [tmp_path / str(n) for n in range(60)]
    for folder in folders:
        folder.mkdir()
        (folder / "figure.png").touch()
    lines = outcomes_text(map(str, folders), str(tmp_path)).splitlines()
    assert len(lines) == 8 and lines[5] == "and 55 more"
    assert lines[4] == f"{tmp_path}/4: figure.png"


def test_nothing_is_said_where_there_is_nothing_to_look_at(tmp_path):
    (tmp_path / "pose_0.h5").touch()
    assert outcomes_text([str(tmp_path), f"{tmp_path}/none"], str(tmp_path)) == ""
