// The page: what dartenv tells goes into the view and the panel, what is asked for goes back.

import { Link } from "./link.js";

const by = (id) => document.getElementById(id);
let view = null;
let latest = null;
let drawn = -1;
let state = null;
const came = []; // [number, milliseconds] of the last frames that came
let age = 0;

const link = new Link({
  open() {
    by("link").textContent = "connected";
    by("link").className = "";
  },
  lost(why) {
    by("link").textContent = why;
    by("link").className = "lost";
  },
  async about(about) {
    by("label").textContent = about.label;
    by("label").hidden = !about.label;
    by("bundle").textContent = about.bundle;
    if (view === null) view = await makeView(about.names, about.parents);
  },
  state: showState,
  statistics: showStatistics,
  fault({ text }) {
    by("fault").textContent = text;
    by("fault").hidden = false;
  },
  frame(frame) {
    latest = frame;
    const now = performance.now();
    came.push([frame.number, now]);
    if (came.length > 90) came.shift();
    age = performance.timeOrigin + now - frame.due;
  },
});

async function makeView(names, parents) {
  const canvas = by("view");
  try {
    const { Scene } = await import("./scene.js");
    return new Scene(canvas, names, parents);
  } catch (error) {
    console.warn("no WebGL, lines instead:", error);
    const plain = canvas.cloneNode(); // the first one may hold a dead context
    canvas.replaceWith(plain);
    by("shape").hidden = true;
    const { Flat } = await import("./flat.js");
    return new Flat(plain, names, parents);
  }
}

function tick(now) {
  requestAnimationFrame(tick);
  if (view === null) return;
  if (latest !== null && latest.number !== drawn) {
    if (latest.number < drawn) view.forgetTrail();
    drawn = latest.number;
    view.show(latest.places);
    const [x, y, z] = latest.places;
    by("place").textContent =
      `frame ${latest.number}   pelvis ${x.toFixed(2)} ${y.toFixed(2)} ${z.toFixed(2)} m`;
  }
  view.draw(now);
}
requestAnimationFrame(tick);

function showState(told) {
  const again = state !== null && told.seed !== state.seed;
  if (state?.paused !== told.paused) came.length = 0;
  state = told;
  if (again) view?.forgetTrail();
  const { showing, wanted, latency } = told;
  const text = document.createElement("span");
  text.textContent = showing.text || "no text";
  const small = document.createElement("small");
  if (wanted.number !== showing.number) {
    small.textContent = ` then ${wanted.text || "no text"}`;
  } else if (latency) {
    small.textContent = ` after ${latency.ms.toFixed(0)} ms, ${latency.frames} frames`;
  }
  by("showing").replaceChildren("Showing ", text, small);
  by("paused").hidden = !told.paused;
  by("pause").textContent = told.paused ? "go on" : "pause";
  by("pause").setAttribute("aria-pressed", String(told.paused));
  if (document.activeElement !== by("guidance")) by("guidance").value = told.guidance;
  by("guidance-value").textContent = told.guidance;
  if (document.activeElement !== by("seed")) by("seed").value = told.seed;
  if (told.note) {
    by("fault").textContent = told.note;
    by("fault").hidden = false;
  }
  by("history").replaceChildren(
    ...told.history.slice().reverse().map((prompt) => {
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = prompt;
      button.title = prompt;
      if (prompt === showing.text) button.className = "now";
      button.onclick = () => ask(prompt);
      item.append(button);
      return item;
    }),
  );
}

function showStatistics(told) {
  const rows = [
    ["rate", state?.paused ? "held" : `${rate().toFixed(1)} of ${told.fps} a second`],
    ["frame time", `${told.interval_ms.p50} ms, p99 ${told.interval_ms.p99}`],
    ["late", `p99 ${told.lateness_ms.p99} ms, most ${told.lateness_ms.max}`],
    ["late frames", `${told.late} of ${told.frames}, ${told.skipped} left out`],
    ["age on arrival", `${age.toFixed(1)} ms`],
    ["one primitive", `${told.primitive_ms.p50} ms, p99 ${told.primitive_ms.p99}`],
    ["prompt shows", promptTimes(told.prompt_ms)],
  ];
  by("figures").replaceChildren(
    ...rows.flatMap(([name, value]) => [cell("dt", name), cell("dd", value)]),
  );
  by("receivers").replaceChildren(
    ...Object.entries(told.receivers).map(([name, { sent, dropped, failed }]) => {
      const row = document.createElement("tr");
      row.append(...[name, sent, dropped, failed].map((value) => cell("td", value)));
      return row;
    }),
  );
}

function promptTimes({ p50, max }) {
  return max ? `${p50.toFixed(0)} ms, most ${max.toFixed(0)}` : "none yet";
}

// Frames a second that this page sees, over the last few seconds.
function rate() {
  if (came.length < 2) return 0;
  return ((came.length - 1) * 1000) / (came[came.length - 1][1] - came[0][1]);
}

function cell(kind, text) {
  const made = document.createElement(kind);
  made.textContent = text;
  return made;
}

function ask(text) {
  by("fault").hidden = true;
  link.send({ do: "prompt", text });
}

by("ask").onsubmit = (event) => {
  event.preventDefault();
  ask(by("prompt").value);
  by("prompt").select();
};
by("pause").onclick = () => link.send({ do: "pause", on: !state?.paused });
by("guidance").oninput = () => {
  by("guidance-value").textContent = by("guidance").value;
};
by("guidance").onchange = () =>
  link.send({ do: "guidance", value: Number(by("guidance").value) });
by("again").onsubmit = (event) => {
  event.preventDefault();
  link.send({ do: "seed", value: Number(by("seed").value) });
  view?.forgetTrail();
};
by("shape").onclick = () => {
  const on = by("shape").getAttribute("aria-pressed") !== "true";
  by("shape").setAttribute("aria-pressed", String(on));
  if (view) view.skeleton = on;
};
by("follow").onclick = () => {
  const on = by("follow").getAttribute("aria-pressed") !== "true";
  by("follow").setAttribute("aria-pressed", String(on));
  if (view) view.following = on;
};
document.addEventListener("keydown", (event) => {
  if (event.code === "Space" && event.target === document.body) {
    event.preventDefault();
    by("pause").click();
  }
});
