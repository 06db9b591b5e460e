"use strict";
// What is drawn first is wider, so that it shows below what coincides with it.
const WIDTHS = { truth: 4.5, before: 3, after: 1.8 };
const MARK_COLOURS = { interpolated: "#666666", repaired: "#00795a", masked: "#aa4499" };
// Frames a second where their times are not known.
const RATE = 10;
// So many frames have curves that can be read: of longer sequences, those around the frame shown.
const MAX_READABLE = 200;
// How near to a joint a click picks it, px of the screen.
const REACH = 16;
// Moved by less, a press is a click, px of the screen.
const STILL = 4;
const MAX_LOADED = 40;

const page = JSON.parse(document.getElementById("data").textContent);
// In the order in which they are drawn.
const COLOURS = page.colours;
const byId = (id) => document.getElementById(id);
const people = Object.keys(COLOURS).filter((who) => who in page.poses);
const N = page.frames.length;
const N_JOINTS = page.joints.length;
// After the joints, the curves have their mean.
const state = { frame: 0, joint: N_JOINTS, shown: new Set(people), timer: null, whole: false };

function unpacked(text) {
  return new Float32Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
}
for (const pose of Object.values(page.poses)) {
  pose.space = unpacked(pose.space);
  pose.picture = unpacked(pose.picture);
}
for (const curves of page.curves) {
  for (const who in curves.values) curves.values[who] = unpacked(curves.values[who]);
}

// The coordinates of a joint in the frame shown; null where they are not known.
function joint2d(who, joint) {
  const at = (state.frame * N_JOINTS + joint) * 2;
  const [x, y] = page.poses[who].picture.subarray(at, at + 2);
  return Number.isFinite(x) ? [x, y] : null;
}
// As it is drawn: to the right, away from the camera, up.
function joint3d(who, joint, frame = state.frame) {
  const at = (frame * N_JOINTS + joint) * 3;
  const [x, y, z] = page.poses[who].space.subarray(at, at + 3);
  return Number.isFinite(x) ? [x, z, -y] : null;
}
const nameOf = (joint) => page.joints[joint].replace("l_", "left ").replace("r_", "right ");
const shown = () => people.filter((who) => state.shown.has(who));

// --- The picture, with the poses over it

const picture = byId("picture");
const [WIDTH, HEIGHT] = page.size;
picture.style.aspectRatio = `${WIDTH} / ${HEIGHT}`;
picture.style.width = `min(100%, ${(54 * WIDTH) / HEIGHT}vh)`;
const loaded = new Map();

function image(frame) {
  if (!loaded.has(frame)) {
    const file = new Image();
    file.src = "data:image/jpeg;base64," + page.frames[frame];
    loaded.set(frame, file);
    if (loaded.size > MAX_LOADED) loaded.delete(loaded.keys().next().value);
  }
  return loaded.get(frame);
}

function drawPicture() {
  const file = image(state.frame);
  // The next one is ready when it is played.
  image((state.frame + 1) % N);
  if (!file.complete) {
    file.onload = drawPicture;
    return;
  }
  const ratio = window.devicePixelRatio || 1;
  const width = Math.round(picture.clientWidth * ratio);
  const height = Math.round((width * HEIGHT) / WIDTH);
  if (picture.width !== width || picture.height !== height) {
    picture.width = width;
    picture.height = height;
  }
  const to = picture.getContext("2d");
  to.drawImage(file, 0, 0, width, height);
  to.lineCap = "round";
  // Centres of px are at whole numbers.
  const place = ([x, y]) => [((x + 0.5) * width) / WIDTH, ((y + 0.5) * height) / HEIGHT];
  for (const who of shown()) {
    const bones = new Path2D();
    for (const [a, b] of page.bones) {
      const ends = [joint2d(who, a), joint2d(who, b)];
      if (ends.includes(null)) continue;
      bones.moveTo(...place(ends[0]));
      bones.lineTo(...place(ends[1]));
    }
    for (const [colour, more] of [["rgba(255, 255, 255, 0.7)", 2], [COLOURS[who], 0]]) {
      to.strokeStyle = colour;
      to.lineWidth = (WIDTHS[who] + more) * ratio;
      to.stroke(bones);
    }
    const picked = state.joint < N_JOINTS && joint2d(who, state.joint);
    if (picked) {
      const ring = new Path2D();
      ring.arc(...place(picked), 7 * ratio, 0, 2 * Math.PI);
      for (const [colour, thick] of [["white", 5], [COLOURS[who], 2.5]]) {
        to.strokeStyle = colour;
        to.lineWidth = thick * ratio;
        to.stroke(ring);
      }
    }
  }
  picture.dataset.frame = state.frame;
}

picture.addEventListener("click", (event) => {
  const scale = WIDTH / picture.clientWidth;
  let [nearest, least] = [null, REACH * scale];
  for (const who of shown()) {
    for (let joint = 0; joint < N_JOINTS; joint++) {
      const at = joint2d(who, joint);
      if (!at) continue;
      const x = at[0] + 0.5 - event.offsetX * scale;
      const y = at[1] + 0.5 - event.offsetY * scale;
      if (Math.hypot(x, y) < least) [nearest, least] = [joint, Math.hypot(x, y)];
    }
  }
  if (nearest !== null) pick(nearest);
});

// --- The poses in space

const space = byId("space");
let camera = { projection: { type: "orthographic" }, eye: { x: 0.7, y: -1.9, z: 0.4 } };

// Of each pose its bones, with gaps between them; then the joint that is picked, in all poses.
function spaceData() {
  const traces = people.map((who) =>
    page.bones.flatMap(([a, b]) => [joint3d(who, a), joint3d(who, b), null]),
  );
  const picked = (who) => (state.joint < N_JOINTS ? joint3d(who, state.joint) : null);
  traces.push(people.map((who) => (state.shown.has(who) ? picked(who) : null)));
  const axis = (i) => traces.map((points) => points.map((at) => (at ? at[i] : null)));
  return { x: axis(0), y: axis(1), z: axis(2) };
}

// Ranges that hold all frames, of equal length.
function spaceRanges() {
  const low = [Infinity, Infinity, Infinity];
  const high = [-Infinity, -Infinity, -Infinity];
  for (const who of people) {
    for (let frame = 0; frame < N; frame++) {
      for (let joint = 0; joint < N_JOINTS; joint++) {
        (joint3d(who, joint, frame) || []).forEach((value, i) => {
          low[i] = Math.min(low[i], value);
          high[i] = Math.max(high[i], value);
        });
      }
    }
  }
  const half = 0.52 * Math.max(...high.map((value, i) => value - low[i]));
  return low.map((value, i) => [(value + high[i]) / 2 - half, (value + high[i]) / 2 + half]);
}

async function makeSpace() {
  const { x, y, z } = spaceData();
  const joints = page.bones.flatMap(([a, b]) => [a, b, null]);
  const traces = people.map((who, i) => ({
    type: "scatter3d",
    mode: "lines+markers",
    x: x[i], y: y[i], z: z[i],
    customdata: joints,
    text: joints.map((joint) => (joint === null ? "" : `${nameOf(joint)}, ${page.names[who]}`)),
    hovertemplate: "%{text}<extra></extra>",
    line: { color: COLOURS[who], width: 2 * WIDTHS[who] },
    marker: { color: COLOURS[who], size: 3.5 },
  }));
  traces.push({
    type: "scatter3d",
    mode: "markers",
    x: x[people.length], y: y[people.length], z: z[people.length],
    hoverinfo: "skip",
    marker: { size: 9, symbol: "circle-open", color: people.map((who) => COLOURS[who]) },
  });
  const ranges = spaceRanges();
  const axis = (title, i) => ({
    title: { text: title, font: { size: 12 } },
    range: ranges[i],
    nticks: 4,
    showspikes: false,
    backgroundcolor: "#f6f6f6",
    showbackground: true,
    gridcolor: "#ddd",
    zeroline: false,
    tickfont: { size: 10, color: "#666" },
  });
  await Plotly.newPlot(
    space,
    traces,
    {
      margin: { l: 0, r: 0, t: 0, b: 0 },
      showlegend: false,
      scene: {
        aspectmode: "manual",
        aspectratio: { x: 1.45, y: 1.45, z: 1.45 },
        xaxis: axis("right (m)", 0),
        yaxis: axis("away (m)", 1),
        zaxis: axis("up (m)", 2),
        camera,
      },
    },
    { responsive: true, displayModeBar: false },
  );
  // While people turn it, plotly itself does not remember how far they are.
  for (const event of ["plotly_relayouting", "plotly_relayout"]) {
    space.on(event, (changed) => {
      camera = changed["scene.camera"] ?? camera;
    });
  }
  // plotly's own clicks come with every drawing while the button is down.
  let [below, pressed] = [null, null];
  space.on("plotly_hover", ({ points }) => (below = points[0].customdata));
  space.on("plotly_unhover", () => (below = null));
  const at = (event) => [event.clientX, event.clientY];
  space.addEventListener("pointerdown", (event) => (pressed = at(event)), true);
  window.addEventListener(
    "pointerup",
    (event) => {
      const still = pressed && Math.hypot(...at(event).map((x, i) => x - pressed[i])) < STILL;
      pressed = null;
      if (still && Number.isInteger(below)) pick(below);
    },
    true,
  );
}

function drawSpace() {
  const visible = [...people.map((who) => state.shown.has(who)), true];
  Plotly.update(space, { ...spaceData(), visible }, { "scene.camera": camera });
}

// --- Curves over the frames

const panels = [];
// In rows of three or of four, so that the last one is full, or nearly.
byId("curves").style.setProperty("--least", page.curves.length % 3 ? "320px" : "420px");
const plottedIn = (curves) => Object.keys(COLOURS).filter((who) => who in curves.values);

function valueOf(curves, who, frame) {
  const value = curves.values[who][frame * (N_JOINTS + 1) + state.joint];
  return Number.isFinite(value) ? value : null;
}

// The frames that curves have.
function framesInView() {
  const length = state.whole ? N : Math.min(N, MAX_READABLE);
  const start = Math.min(Math.max(state.frame - Math.floor(length / 2), 0), N - length);
  return Array.from({ length }, (_, i) => start + i);
}

// Of a long curve, dots only where a value has no neighbours, and so no line.
function dots(curve) {
  const alone = (i) => [i - 1, i + 1].every((next) => (curve[next] ?? null) === null);
  return curve.map((value, i) => (curve.length <= MAX_READABLE || alone(i) ? value : null));
}

// Of each pose or flow a line, and dots.
function curveData(curves) {
  const frames = framesInView();
  const y = plottedIn(curves).flatMap((who) => {
    const curve = frames.map((frame) => valueOf(curves, who, frame));
    return [curve, dots(curve)];
  });
  return { x: y.map(() => frames), y };
}

// The highest value in any frame.
function highestOf(curves) {
  let highest = 0;
  for (const who of plottedIn(curves)) {
    for (let frame = 0; frame < N; frame++) highest = Math.max(highest, valueOf(curves, who, frame));
  }
  return highest;
}

function curveLayout(highest) {
  const frames = framesInView();
  return {
    "xaxis.range": [frames[0] - 0.5, frames.at(-1) + 0.5],
    "yaxis.range": [0, 1.05 * highest || 1],
    "shapes[0].x0": state.frame,
    "shapes[0].x1": state.frame,
  };
}

function makePanel(curves) {
  const panel = document.createElement("div");
  const head = document.createElement("div");
  head.className = "head";
  head.title = curves.summary;
  const title = document.createElement("b");
  title.textContent = `${curves.title} (${curves.unit})`;
  const values = document.createElement("span");
  values.className = "values";
  head.append(title, values);
  const plot = document.createElement("div");
  plot.className = "plot";
  panel.append(head, plot);
  byId("curves").append(panel);
  const traces = plottedIn(curves).flatMap((who) => [
    {
      name: page.names[who],
      meta: who,
      mode: "lines",
      line: { color: COLOURS[who], width: who === "truth" ? 2.5 : 1.6 },
      hovertemplate: `%{y:.${curves.digits}f}`,
    },
    { mode: "markers", marker: { color: COLOURS[who], size: 4 }, hoverinfo: "skip" },
  ]);
  Plotly.newPlot(
    plot,
    traces,
    {
      margin: { l: 48, r: 8, t: 6, b: 34 },
      showlegend: false,
      xaxis: {
        title: { text: "frame", standoff: 4, font: { size: 12 } },
        zeroline: false,
        showgrid: false,
        ticks: "outside",
        tickformat: "d",
      },
      yaxis: { fixedrange: true, nticks: 5, gridcolor: "#e6e6e6" },
      hovermode: "x unified",
      shapes: [
        { type: "line", y0: 0, y1: 1, yref: "paper", line: { color: "#777", width: 1.5, dash: "dot" } },
      ],
    },
    { responsive: true, displayModeBar: false },
  );
  plot.on("plotly_click", ({ points }) => go(points[0].x));
  panels.push({ curves, plot, values, highest: highestOf(curves) });
}

// The values at the frame, and the line there.
function drawCurves() {
  for (const { curves, plot, values, highest } of panels) {
    values.replaceChildren(
      ...plottedIn(curves).map((who) => {
        const value = valueOf(curves, who, state.frame);
        const said = document.createElement("span");
        said.style.color = COLOURS[who];
        said.textContent = value === null ? "–" : value.toFixed(curves.digits);
        said.title = page.names[who];
        return said;
      }),
    );
    Plotly.update(plot, curveData(curves), curveLayout(highest));
  }
}

// --- What people change

const slider = byId("slider");
let drawing = false;

function go(frame) {
  state.frame = frame;
  slider.value = frame;
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    draw();
  });
}

function draw() {
  const { frame } = state;
  const time = page.time ? `${page.time[frame].toFixed(2)} s, ` : "";
  byId("when").textContent = `frame ${frame} (0 to ${N - 1}), ${time}video frame ${page.index[frame]}`;
  for (const { badge, frames: marked } of badges) badge.classList.toggle("on", marked.has(frame));
  drawPicture();
  drawSpace();
  drawCurves();
}

function pick(joint) {
  // The same again: the mean.
  state.joint = joint === state.joint ? N_JOINTS : joint;
  byId("joint").value = state.joint;
  for (const panel of panels) panel.highest = highestOf(panel.curves);
  draw();
}

function play() {
  const { frame } = state;
  const next = (frame + 1) % N;
  const seconds = page.time && next ? page.time[next] - page.time[frame] : 1 / RATE;
  state.timer = setTimeout(() => {
    go(next);
    play();
  }, 1000 * seconds);
}

byId("play").addEventListener("click", (event) => {
  if (state.timer === null) play();
  else {
    clearTimeout(state.timer);
    state.timer = null;
  }
  event.target.textContent = state.timer === null ? "Play" : "Pause";
});
slider.max = N - 1;
slider.addEventListener("input", () => go(Number(slider.value)));

for (const [value, text] of [
  [N_JOINTS, "all joints (mean)"],
  ...page.joints.map((_, joint) => [joint, nameOf(joint)]),
]) {
  byId("joint").add(new Option(text, value));
}
byId("joint").addEventListener("change", ({ target }) => pick(Number(target.value)));

byId("whole").hidden = N <= MAX_READABLE;
byId("whole").addEventListener("change", ({ target }) => {
  state.whole = target.checked;
  draw();
});

for (const who of people) {
  const label = document.createElement("label");
  const box = document.createElement("input");
  Object.assign(box, { type: "checkbox", checked: true, value: who });
  box.addEventListener("change", () => {
    if (box.checked) state.shown.add(who);
    else state.shown.delete(who);
    draw();
  });
  const line = document.createElement("span");
  line.className = "line";
  line.style.background = COLOURS[who];
  label.append(box, line, page.names[who]);
  byId("people").append(label, " ");
}

// --- Frames that something is to be said of

const badges = page.marks.map(({ name, summary, frames: marked }) => {
  const badge = document.createElement("span");
  badge.className = "mark";
  badge.style.background = MARK_COLOURS[name];
  badge.textContent = name;
  badge.title = summary;
  byId("badges").append(badge, " ");
  return { name, badge, frames: new Set(marked) };
});

// Below the slider, whose thumb's middle does not reach its ends.
function drawMarks() {
  const canvas = byId("marks");
  canvas.hidden = !page.marks.length;
  const ratio = window.devicePixelRatio || 1;
  canvas.width = canvas.clientWidth * ratio;
  canvas.height = canvas.clientHeight * ratio;
  const to = canvas.getContext("2d");
  const [inset, row] = [8 * ratio, canvas.height / page.marks.length];
  const step = (canvas.width - 2 * inset) / (N - 1);
  badges.forEach(({ name, frames: marked }, i) => {
    to.fillStyle = MARK_COLOURS[name];
    for (const frame of marked) {
      const width = Math.max(2 * ratio, Math.min(step, 6 * ratio));
      to.fillRect(inset + frame * step - width / 2, i * row, width, row);
    }
  });
}

window.addEventListener("resize", () => {
  drawPicture();
  drawMarks();
});
makeSpace().then(() => {
  page.curves.forEach(makePanel);
  drawMarks();
  draw();
  document.body.dataset.ready = "";
});
