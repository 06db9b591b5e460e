"""The last words of a run that has ended well."""

from outcomes import outcomes_text


def test_files_for_people_are_named_by_sequence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = ("figure.png", "figure.pdf", "flow_1.pt", "pose.csv", "openpose", "flow/flo")
    wanted = [f"video/{sequence}/{name}" for sequence in ("walk", "走る") for name in names]
    for path in wanted[:4] + wanted[6:10]:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    for path in wanted[4:6]:
        (tmp_path / path).mkdir(parents=True)
    tables = ["video/table.md", "table.md", "resources/installed.txt"]
    for path in tables:
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).touch()
    folders = ["video/walk", "video/走る", "video/none"]
    text = outcomes_text([*wanted, *tables], folders, "video")
    assert text.splitlines()[:-2] == [
        "video/walk: figure.png, flow/flo, openpose, pose.csv",
        "video/走る: figure.png, pose.csv",
        "video: table.md",
    ]
    assert '"flow={passes: 8, updates: 20}" (as many passes and updates as in the paper' in text
    # What was not asked for, as by `verify` or `fetch`, is not told of.
    assert outcomes_text(["resources/installed.txt"], folders, "video") == ""
    assert outcomes_text(["video/walk/figure.pdf", "video/table.md"], folders, "video") == ""
    assert outcomes_text(["video/walk/pose.csv"], folders, "video").splitlines()[0] == (
        "video/walk: pose.csv"
    )


def test_of_many_sequences_a_few_are_shown(tmp_path):
    folders = [str(tmp_path / str(n)) for n in range(60)]
    wanted = [tmp_path / str(n) / "figure.png" for n in range(60)]
    for path in wanted:
        path.parent.mkdir()
        path.touch()
    lines = outcomes_text(map(str, wanted), folders, str(tmp_path)).splitlines()
    assert len(lines) == 8 and lines[5] == "and 55 more"
    assert lines[4] == f"{tmp_path}/4: figure.png"
