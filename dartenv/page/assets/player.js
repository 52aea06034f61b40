"use strict";
// The skeleton player: joints in metres, world frame with z up, parallel projection.
class Player {
  constructor(element, motion) {
    this.element = element;
    this.motion = motion;
    this.canvas = element.querySelector("canvas");
    this.slider = element.querySelector("input");
    this.button = element.querySelector(".play");
    this.output = element.querySelector("output");
    this.caption = element.querySelector(".caption");
    this.joints = motion.parents.length;
    this.points = Player.unpacked(motion);
    this.frame = 0;
    this.playing = false;
    this.looking();
    this.listen();
    this.named();
    this.show();
  }

  static unpacked(motion) {
    const raw = atob(motion.data);
    const bytes = new DataView(new ArrayBuffer(raw.length));
    for (let i = 0; i < raw.length; i++) bytes.setUint8(i, raw.charCodeAt(i));
    const points = new Float32Array(raw.length / 2);
    for (let i = 0; i < points.length; i++) points[i] = bytes.getInt16(2 * i, true) / 1000;
    return points;
  }

  looking() {
    this.yaw = -Math.PI / 3;
    this.pitch = 0.32;
    this.zoom = 1;
  }

  at(frame, joint) {
    const place = 3 * (frame * this.joints + joint);
    return [this.points[place], this.points[place + 1], this.points[place + 2]];
  }

  listen() {
    this.button.addEventListener("click", () => this.toggle());
    this.slider.addEventListener("input", () => { this.pause(); this.go(Number(this.slider.value)); });
    this.element.querySelector(".reset").addEventListener("click", () => { this.looking(); this.show(); });
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    this.canvas.addEventListener("pointerdown", (event) => {
      this.drag = [event.clientX, event.clientY];
      this.canvas.setPointerCapture(event.pointerId);
    });
    this.canvas.addEventListener("pointermove", (event) => {
      if (!this.drag) return;
      this.turn((event.clientX - this.drag[0]) * -0.01, (event.clientY - this.drag[1]) * 0.01);
      this.drag = [event.clientX, event.clientY];
    });
    // Only where the player was chosen: else the wheel scrolls the page past it.
    this.canvas.addEventListener("wheel", (event) => {
      if (document.activeElement !== this.canvas) return;
      event.preventDefault();
      this.closer(event.deltaY < 0 ? 1.1 : 1 / 1.1);
    }, { passive: false });
    for (const name of ["pointerup", "pointercancel"]) this.canvas.addEventListener(name, () => { this.drag = null; });
    new ResizeObserver(() => this.show()).observe(this.canvas);
    document.addEventListener("dressed", () => this.show());
    document.addEventListener("spoken", () => this.named());
  }

  key(event) {
    const keys = {
      ArrowLeft: () => this.turn(-0.12, 0), ArrowRight: () => this.turn(0.12, 0),
      ArrowUp: () => this.turn(0, 0.08), ArrowDown: () => this.turn(0, -0.08),
      "+": () => this.closer(1.15), "=": () => this.closer(1.15), "-": () => this.closer(1 / 1.15),
      " ": () => this.toggle(),
    };
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  }

  turn(yaw, pitch) {
    this.yaw += yaw;
    this.pitch = Math.min(1.5, Math.max(-0.1, this.pitch + pitch));
    this.show();
  }

  closer(factor) {
    this.zoom = Math.min(4, Math.max(0.3, this.zoom * factor));
    this.show();
  }

  toggle() { if (this.playing) this.pause(); else this.play(); }

  named() {
    this.button.querySelector("[data-w]").textContent = say(this.playing ? "pause" : "play");
    const { label, frames, fps, texts } = this.motion;
    const said = [`${label}: ${frames} ${say("frames")}, ${Number(fps.toPrecision(4))} fps`, ...new Set(texts)];
    if (this.element.dataset.label) said.unshift(this.element.dataset.label);
    this.canvas.setAttribute("aria-label", said.join("; "));
  }

  play() {
    this.playing = true;
    this.named();
    const first = this.frame >= this.motion.frames - 1 ? 0 : this.frame;
    const began = performance.now();
    const step = (now) => {
      if (!this.playing) return;
      const frame = first + Math.floor(Math.max(0, now - began) / 1000 * this.motion.fps);
      if (frame >= this.motion.frames) { this.go(this.motion.frames - 1); this.pause(); return; }
      if (frame !== this.frame) this.go(frame);
      requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  pause() { this.playing = false; this.named(); }

  go(frame) {
    this.frame = Math.min(this.motion.frames - 1, Math.max(0, frame));
    this.slider.value = this.frame;
    this.show();
  }

  prompt() {
    const { texts, future, history } = this.motion;
    if (!texts.length || !future) return texts[0] || "";
    return texts[Math.min(texts.length - 1, Math.floor(Math.max(0, this.frame - history) / future))];
  }

  show() {
    const ratio = window.devicePixelRatio || 1;
    const width = this.canvas.clientWidth;
    const height = this.canvas.clientHeight;
    if (!width || !height) return;
    this.canvas.width = width * ratio;
    this.canvas.height = height * ratio;
    const pen = this.canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    const root = this.at(this.frame, 0);
    const scale = (height / 2.4) * this.zoom;
    const eye = (point) => {
      const x = point[0] - root[0];
      const y = point[1] - root[1];
      const z = point[2] - 0.95;
      const right = x * Math.cos(this.yaw) + y * Math.sin(this.yaw);
      const away = -x * Math.sin(this.yaw) + y * Math.cos(this.yaw);
      const up = z * Math.cos(this.pitch) + away * Math.sin(this.pitch);
      return [width / 2 + right * scale, height / 2 - up * scale];
    };
    this.floor(pen, eye, root, Math.ceil(width / scale / 2) + 2);
    this.trail(pen, eye);
    if (this.motion.goal) this.bones(pen, eye, (joint) => [0, 1, 2].map((k) => this.motion.goal[3 * joint + k] / 1000), "ghost");
    this.bones(pen, eye, (joint) => this.at(this.frame, joint), null);
    if (this.element.dataset.label) {
      pen.fillStyle = colour("warn");
      pen.font = "600 13px system-ui, sans-serif";
      pen.fillText(this.element.dataset.label, 12, 22);
    }
    this.output.textContent = `${(this.frame / this.motion.fps).toFixed(2)} s`;
    this.caption.textContent = this.prompt();
  }

  line(pen, points, ink, width) {
    pen.strokeStyle = ink;
    pen.lineWidth = width;
    pen.beginPath();
    points.forEach(([x, y], index) => { if (index) pen.lineTo(x, y); else pen.moveTo(x, y); });
    pen.stroke();
  }

  // Lines half a metre apart, fixed to the world so that travel can be seen.
  floor(pen, eye, root, reach) {
    const grid = colour("grid");
    const x0 = Math.floor((root[0] - reach) * 2) / 2;
    const y0 = Math.floor((root[1] - reach) * 2) / 2;
    for (let i = 0; i <= reach * 4; i++) {
      const step = i / 2;
      this.line(pen, [eye([x0 + step, y0, 0]), eye([x0 + step, y0 + 2 * reach, 0])], grid, 1);
      this.line(pen, [eye([x0, y0 + step, 0]), eye([x0 + 2 * reach, y0 + step, 0])], grid, 1);
    }
  }

  trail(pen, eye) {
    if (!this.frame) return;
    const path = [];
    for (let frame = 0; frame <= this.frame; frame++) {
      const [x, y] = this.at(frame, 0);
      path.push(eye([x, y, 0]));
    }
    this.line(pen, path, colour("trail"), 2);
  }

  bones(pen, eye, where, ink) {
    pen.lineCap = "round";
    const inks = { left: colour("left"), right: colour("right"), middle: colour("middle") };
    this.motion.parents.forEach((parent, joint) => {
      if (parent < 0) return;
      const side = LEFT.has(joint) ? "left" : RIGHT.has(joint) ? "right" : "middle";
      this.line(pen, [eye(where(parent)), eye(where(joint))], ink ? colour(ink) : inks[side], ink ? 3 : 4.5);
    });
    if (ink) return;
    pen.fillStyle = inks.middle;
    const [x, y] = eye(where(Math.min(15, this.joints - 1)));
    pen.beginPath();
    pen.arc(x, y, 6, 0, 2 * Math.PI);
    pen.fill();
  }
}

// SMPL-X's first 22 joints; 15 is the head.
const LEFT = new Set([1, 4, 7, 10, 13, 16, 18, 20]);
const RIGHT = new Set([2, 5, 8, 11, 14, 17, 19, 21]);
const players = [...document.querySelectorAll(".player")].map((element) => new Player(element, page.motions[Number(element.dataset.motion)]));
