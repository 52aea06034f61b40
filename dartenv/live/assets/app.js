// The page: what dartenv tells goes into the view and the panel, what is asked for goes back.

import { begin, say } from "./language.js";
import { Link } from "./link.js";

const MOST_CHARACTERS = 1000; // of a prompt, as dartenv has it
const by = (id) => document.getElementById(id);
let view = null;
let latest = null;
let drawn = -1;
let about = null;
let state = null;
let statistics = null;
let joined = ["connecting", ""]; // how the connection stands: a word, what the server said
const came = []; // [number, milliseconds] of the last frames that came
let age = 0;

const link = new Link({
  open() {
    joined = ["connected", ""];
    showJoined();
  },
  lost(word, reason) {
    joined = [word, reason];
    showJoined();
  },
  async about(told) {
    about = told;
    showAbout();
    by("bundle").textContent = about.bundle;
    if (view === null) view = await makeView(about.names, about.parents);
  },
  state(told) {
    const again = state !== null && told.seed !== state.seed;
    if (state?.paused !== told.paused) came.length = 0;
    state = told;
    if (again) view?.forgetTrail();
    showState();
  },
  statistics(told) {
    statistics = told;
    showStatistics();
  },
  fault({ text }) {
    showFault(text);
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
    showPlace();
  }
  view.draw(now);
}
requestAnimationFrame(tick);

function showPlace() {
  if (latest === null) {
    by("place").textContent = say("no-frame");
    return;
  }
  const [x, y, z] = [...latest.places.subarray(0, 3)].map((value) => value.toFixed(2));
  by("place").textContent = say("place", { number: latest.number, x, y, z });
}

function showJoined() {
  const [word, reason] = joined;
  by("link").textContent = reason || say(word);
  by("link").className = word === "connected" || word === "connecting" ? "" : "lost";
}

const GIST = { sandbox: "kind-sandbox", plumbing: "kind-plumbing" };

// The bundle's label as dartenv has it, in English; in another language the gist of it first.
function showAbout() {
  const { kind, label } = about;
  const gist = document.documentElement.lang !== "en" && GIST[kind] ? say(GIST[kind]) : "";
  const own = document.createElement("span");
  own.lang = "en";
  own.textContent = label;
  by("label").replaceChildren(gist && `${gist}：`, own);
  by("label").hidden = !label;
}

function showState() {
  const told = state;
  const { showing, wanted, latency } = told;
  const text = document.createElement("span");
  text.textContent = showing.text || say("no-text");
  const small = document.createElement("small");
  if (wanted.number !== showing.number) {
    small.textContent = ` ${say("then", { text: wanted.text || say("no-text") })}`;
  } else if (latency) {
    small.textContent = ` ${say("after", { ms: latency.ms.toFixed(0), frames: latency.frames })}`;
  }
  by("showing").replaceChildren(`${say("showing")} `, text, small);
  by("paused").hidden = !told.paused;
  by("pause").textContent = say(told.paused ? "go-on" : "pause");
  by("pause").setAttribute("aria-pressed", String(told.paused));
  if (document.activeElement !== by("guidance")) by("guidance").value = told.guidance;
  by("guidance-value").textContent = told.guidance;
  if (document.activeElement !== by("seed")) by("seed").value = told.seed;
  if (told.note) showFault(told.note);
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

function showStatistics() {
  const told = statistics;
  const seen = { rate: rate().toFixed(1), fps: told.fps };
  const rows = [
    ["rate", state?.paused ? say("held") : say("rate-is", seen)],
    ["frame-time", say("p99", told.interval_ms)],
    ["late", say("p99-most", { p99: told.lateness_ms.p99, most: told.lateness_ms.max })],
    ["late-frames", say("late-frames-are", told)],
    ["age", say("ms", { ms: age.toFixed(1) })],
    ["primitive", say("p99", told.primitive_ms)],
    ["prompt-shows", promptTimes(told.prompt_ms)],
  ];
  by("figures").replaceChildren(
    ...rows.flatMap(([word, value]) => [cell("dt", say(word)), cell("dd", value)]),
  );
  by("receivers").replaceChildren(
    ...Object.entries(told.receivers).map(([name, { sent, dropped, failed }]) => {
      const row = document.createElement("tr");
      const known = name === "browser" ? say("browser") : name;
      row.append(...[known, sent, dropped, failed].map((value) => cell("td", value)));
      return row;
    }),
  );
}

function promptTimes({ p50, max }) {
  return max ? say("most", { p50: p50.toFixed(0), most: max.toFixed(0) }) : say("none-yet");
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

function showFault(text, language = "en") {
  by("fault").textContent = text;
  by("fault").lang = language;
  by("fault").hidden = !text;
}

function ask(text) {
  showFault("");
  if (text.length > MOST_CHARACTERS) {
    const told = { count: text.length, most: MOST_CHARACTERS };
    showFault(say("prompt-long", told), document.documentElement.lang);
    return;
  }
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

begin(() => {
  showJoined();
  showPlace();
  if (about) showAbout();
  if (state) showState();
  if (statistics) showStatistics();
});
