"""A page in Debian's Chromium: it needs nothing but itself, and follows slider and clicks."""

import os
import shutil
import subprocess

import numpy as np
import pytest
from page_content import EPE, GREYS, HEIGHT, WIDTH, N, content_of

from flowpose.pictures.sequence_page import write_page
from flowpose.pose.skeletons import LENGTH_BONES, METRO_14

WRIST = METRO_14.index["l_wrist"]
AFTER = (0x00, 0x72, 0xB2)


def install_chromium():
    """As root, by apt-get."""
    commands = (
        ["apt-get", "update"],
        ["apt-get", "install", "--yes", "--no-install-recommends", "chromium"],
    )
    for command in commands:
        done = subprocess.run(
            command,
            env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            pytest.fail(f"chromium cannot be installed: {done.stderr[-500:]}")


@pytest.fixture(scope="module")
def browser():
    if "FLOWPOSE_BROWSER" not in os.environ:
        pytest.skip("left out, as it installs Chromium: make test-browser")
    from playwright.sync_api import sync_playwright

    if not shutil.which("chromium"):
        install_chromium()
    with sync_playwright() as playwright:
        # A sandbox of its own is not for root.
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        yield browser
        browser.close()


@pytest.fixture
def opened(browser, tmp_path, provenance):
    """Opens the page of a pose and its truth; at the end, nothing may have gone wrong."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    context.set_default_timeout(60_000)
    context.set_offline(True)
    page = context.new_page()
    requests, errors = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    path = tmp_path / "page.html"

    def run(joints, true, **more):
        content = content_of(tmp_path, joints, true, provenance, **more)
        write_page(path, content)
        page.goto(path.as_uri())
        page.wait_for_selector("body[data-ready]")
        page.wait_for_selector("#picture[data-frame='0']")
        return page, content

    yield run
    page.wait_for_timeout(100)
    assert errors == []
    assert [url for url in requests if not url.startswith("data:")] == [path.as_uri()]
    context.close()


def go(page, frame):
    page.locator("#slider").fill(str(frame))
    page.wait_for_selector(f"#picture[data-frame='{frame}']")


def in_space(page):
    """What is drawn there: of each pose the ends of its bones, (15, 2, xyz); NaN: not drawn."""
    traces = page.evaluate("document.getElementById('space').data.map(({x, y, z}) => [x, y, z])")
    points = [np.array(trace, float).T.reshape(-1, 3, 3)[:, :2] for trace in traces[:-1]]
    picked = np.array(traces[-1], float).T
    return points, picked


def placed(joints):
    """(14, 3) joints as they shall be drawn: right, away, up."""
    relative = joints - joints[[2, 3]].mean(0)
    return relative[:, [0, 2, 1]] * [1, 1, -1]


def drawn(joints):
    """The ends of bones of (14, 3) joints as they shall be drawn."""
    return placed(joints)[np.array(LENGTH_BONES)]


def curves(page):
    """The lines of every panel by title and colour's owner: (x, y)."""
    found = page.evaluate(
        """Object.fromEntries([...document.querySelectorAll("#curves > div")].map((panel) => [
          panel.querySelector("b").textContent,
          Object.fromEntries(panel.querySelector(".plot").data
            .filter(({mode}) => mode === "lines").map(({meta, x, y}) => [meta, [x, y]])),
        ]))"""
    )
    return {
        title: {who: np.array(line, float) for who, line in lines.items()}
        for title, lines in found.items()
    }


def said(page, panel):
    """The values above a panel."""
    return page.locator(".values").nth(panel).locator("span").all_inner_texts()


def pixel(page, x, y):
    """The colour of the picture at px of the frames."""
    return page.evaluate(
        """([x, y]) => {
          const canvas = document.getElementById("picture");
          const at = [x * canvas.width, y * canvas.height].map(Math.floor);
          return [...canvas.getContext("2d").getImageData(...at, 1, 1).data];
        }""",
        [(float(x) + 0.5) / WIDTH, (float(y) + 0.5) / HEIGHT],
    )[:3]


def test_the_slider_moves_the_skeletons_and_the_picture(opened, walk):
    true = walk + [0.3, 0.1, 0.2]
    true[4, WRIST] = np.nan
    page, content = opened(walk, true)
    assert page.title() == 'walk <b>&"1"</b>'
    for frame in (0, 4):
        go(page, frame)
        (truth, before, after), picked = in_space(page)
        np.testing.assert_allclose(after, drawn(walk[frame]), atol=1e-6)
        expected = content.poses[0].joints_3d[frame]
        np.testing.assert_allclose(before, drawn(expected), atol=1e-6)
        np.testing.assert_allclose(truth, drawn(true[frame]), atol=1e-6)
        assert np.isnan(truth).any() == (frame == 4) and np.isnan(picked).all()
        np.testing.assert_allclose(pixel(page, 2, 2), [GREYS[frame]] * 3, atol=3)
        # In the middle of its right shin.
        ankle, knee = content.poses[1].project()[frame][:2]
        np.testing.assert_allclose(pixel(page, *((ankle + knee) / 2)), AFTER, atol=3)
        line = page.evaluate("document.querySelector('.plot').layout.shapes[0]")
        assert (line["x0"], line["x1"]) == (frame, frame)
    assert page.locator("#when").inner_text() == "frame 4 (0 to 5), 0.40 s, video frame 20"


def test_a_picked_joint_shows_its_curves(opened, walk):
    page, content = opened(walk, walk)
    assert np.allclose(curves(page)["EPE (px)"]["after"][1, :-1], EPE.mean(1) / 2)
    go(page, 3)
    x, y = content.poses[1].project()[3, WRIST]
    box = page.locator("#picture").bounding_box()
    scale = box["width"] / WIDTH
    # Where truth and pose lie upon each other.
    at = {"x": (float(x) + 0.5) * scale, "y": (float(y) + 0.5) * scale}
    page.locator("#picture").click(position=at)
    page.wait_for_function(f"document.getElementById('joint').value === '{WRIST}'")
    found = curves(page)
    np.testing.assert_allclose(found["EPE (px)"]["before"][1, :-1], EPE[:, WRIST], rtol=1e-6)
    # 100 px a metre.
    motion = np.linalg.norm(np.diff(walk[:, WRIST, :2], axis=0), axis=-1) * 100
    np.testing.assert_allclose(found["Motion (px/frame)"]["after"][1, :-1], motion, rtol=1e-4)
    assert said(page, 4) == ["3.110", "1.555"]
    _, picked = in_space(page)
    ring = np.tile(placed(walk[3])[WRIST], (2, 1))
    np.testing.assert_allclose(picked[[0, 2]], ring, atol=1e-6)
    page.locator("#joint").select_option("14")
    assert np.allclose(curves(page)["EPE (px)"]["after"][1, :-1], EPE.mean(1) / 2)


def drawings(page):
    """Waits until what was done is drawn: plotly looks at the mouse once a drawing."""
    page.evaluate(
        """new Promise((done) => {
          const after = (drawings) =>
            drawings ? requestAnimationFrame(() => after(drawings - 1)) : done();
          after(4);
        })"""
    )


def hovered(page):
    """Has the mouse over some joint in space; its name."""
    box = page.locator("#space").bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for away in range(0, 160, 10):
        for x, y in ((0, away), (0, -away), (20, away), (-20, -away), (40, -away), (-40, away)):
            page.mouse.move(middle[0] + x, middle[1] + y)
            drawings(page)
            if page.locator("#space .hovertext").count():
                return page.locator("#space .hovertext").first.text_content().partition(",")[0]
    pytest.fail("no joint under the mouse")


def test_a_joint_is_picked_and_a_pose_turned_in_space(opened, walk):
    page, _ = opened(walk, walk)
    picked = "document.getElementById('joint').selectedOptions[0].text"
    joint = hovered(page)
    for expected in (joint, "all joints (mean)"):
        page.mouse.down()
        # plotly tells of a press with every drawing while it lasts: it is one pick all the same.
        drawings(page)
        page.mouse.up()
        page.wait_for_function(f"{picked} === '{expected}'")
        drawings(page)
    turned = "document.getElementById('space').layout.scene.camera.eye.x"
    before = page.evaluate(turned)
    box = page.locator("#space").bounding_box()
    page.mouse.down()
    for part in (0.6, 0.7):
        page.mouse.move(box["x"] + part * box["width"], box["y"] + part * box["height"])
        drawings(page)
    page.mouse.up()
    page.wait_for_function(f"{turned} !== {before}")
    eye = page.evaluate(turned)
    go(page, 3)
    assert page.evaluate(turned) == pytest.approx(eye)
    assert page.evaluate(picked) == "all joints (mean)"


def test_without_a_truth_nothing_is_made_up(opened, walk):
    page, _ = opened(walk, np.full_like(walk, np.nan), missing=(2,))
    assert [label.strip() for label in page.locator("#people label").all_inner_texts()] == [
        "before",
        "after 2 cycles",
    ]
    found = curves(page)
    agreement = ["Pose from flow (px)", "Pose from detections (px)"]
    assert list(found) == [*agreement, "Acceleration (m/s²)", "Motion (px/frame)"]
    assert all(list(lines) == ["before", "after"] for lines in found.values())
    go(page, 2)
    assert said(page, 1) == ["–", "–"]
    assert page.locator(".mark.on").all_inner_texts() == ["interpolated"]
    assert not any(word in page.inner_text("body") for word in ("NaN", "undefined", "null"))


def test_a_box_hides_a_pose_and_the_button_plays(opened, walk):
    page, _ = opened(walk, walk)
    page.locator("#people input").nth(0).click()
    page.wait_for_function("document.getElementById('space').data[0].visible === false")
    visible = page.evaluate("document.getElementById('space').data.map(({visible}) => visible)")
    assert visible == [False, True, True, True]
    # Faster than one could look.
    page.evaluate(
        """window.seen = [];
        new MutationObserver(() => seen.push(Number(picture.dataset.frame)))
          .observe(picture, {attributes: true, attributeFilter: ["data-frame"]});"""
    )
    page.locator("#play").click()
    # To the end, and from the start again.
    page.wait_for_function("seen.some((frame, i) => i && frame < seen[i - 1])")
    page.get_by_role("button", name="Pause").click()
    seen = page.evaluate("seen")
    assert len(set(seen)) > 2 and set(seen) <= set(range(N))
