"""What a page says, as its script reads it; how it works is test_page_in_browser's."""

import base64
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from page_content import N, content_of, without_pose_after

from flowpose.pictures.palette import COLOURS
from flowpose.pictures.sequence_page import page_data, write_page
from flowpose.pose.skeletons import LENGTH_BONES, METRO_14


@pytest.fixture
def content(tmp_path, walk, provenance):
    return content_of(tmp_path, walk, walk + [0.5, 0, 1], provenance, missing=(5,))


def unpacked(text, *shape):
    return np.frombuffer(base64.b64decode(text), "<f4").reshape(shape)


class Elements(HTMLParser):
    """The title, and the content of every script."""

    def __init__(self, text):
        super().__init__()
        self.tag, self.texts, self.attributes = "", {}, []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tag = tag
        self.attributes += attributes

    def handle_data(self, data):
        self.texts.setdefault(self.tag, []).append(data)


def test_the_page_is_whole_and_asks_for_nothing(tmp_path, content):
    write_page(tmp_path / "page.html", content)
    text = (tmp_path / "page.html").read_text()
    page = Elements(text)
    assert page.texts["title"][0] == page.texts["h1"][0] == 'walk <b>&"1"</b>'
    scripts = [script for script in page.texts["script"] if script.strip()]
    assert len(scripts) == 3 and "plotly.js v" in scripts[0]
    expected = json.loads(json.dumps(page_data(content)))
    assert json.loads(scripts[1]) == expected
    links = [value for name, value in page.attributes if name in ("src", "href")]
    assert links == ["data:,"]
    assert not re.search("https?:", text.replace(scripts[0], ""))


def test_poses_are_in_space_from_the_middle_of_the_hips_and_in_the_picture(content, walk):
    data = page_data(content)
    assert list(data["poses"]) == ["truth", "before", "after"]
    assert data["joints"] == METRO_14.joints and data["bones"] == LENGTH_BONES
    hips = walk[:, [2, 3]].mean(1, keepdims=True)
    for who in ("after", "truth"):
        space = unpacked(data["poses"][who]["space"], N, 14, 3)
        np.testing.assert_allclose(space, walk - hips, atol=1e-6)
    for who, pose in zip(("before", "after"), content.poses, strict=True):
        picture = unpacked(data["poses"][who]["picture"], N, 14, 2)
        np.testing.assert_allclose(picture, pose.project(), atol=1e-4)


def test_frames_are_named_as_in_the_video_and_marked(content):
    data = page_data(content)
    assert data["index"] == [0, 5, 10, 15, 20, 25]
    assert data["time"] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5])
    # Of the last pose.
    marks = {mark["name"]: mark["frames"] for mark in data["marks"]}
    assert marks == {"interpolated": [5], "repaired": [3]}
    assert data["names"]["after"] == "after 2 cycles"


def test_colours_are_those_of_the_pictures_in_the_order_of_drawing(content):
    expected = [(who, COLOURS[who]) for who in ("truth", "before", "after")]
    assert list(page_data(content)["colours"].items()) == expected


def test_a_video_without_times_has_none(content):
    header = replace(content.header, time=np.zeros(N))
    assert page_data(replace(content, header=header))["time"] is None


def test_what_is_not_there_is_not_named(tmp_path, walk, provenance):
    """Neither a truth nor a refined pose."""
    content = content_of(tmp_path, walk, np.full_like(walk, np.nan), provenance)
    data = page_data(without_pose_after(content))
    assert list(data["poses"]) == ["before"]
    assert {who for curve in data["curves"] for who in curve["values"]} == {"before", "after"}


def test_a_truth_in_the_picture_only_is_one(content):
    truth = replace(content.truth, joints_3d=np.full((N, 14, 3), np.nan))
    data = page_data(replace(content, truth=truth))
    assert np.isnan(unpacked(data["poses"]["truth"]["space"], N, 14, 3)).all()
    assert np.isfinite(unpacked(data["poses"]["truth"]["picture"], N, 14, 2)).all()
