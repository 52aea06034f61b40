// The skeleton with lines on a plain canvas, for browsers that have no WebGL.

import { COLOURS, Floor, sideOf } from "./body.js";

export class Flat {
  constructor(canvas, names, parents) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.bones = parents
      .map((parent, joint) => [parent, joint, COLOURS[sideOf(names[joint])]])
      .filter(([parent]) => parent >= 0);
    this.head = names.indexOf("head");
    this.places = null;
    this.middle = null;
    this.following = true;
    this.floor = new Floor();
    this.turn = 0.65;
    this.size = 3;
    canvas.addEventListener("pointermove", (event) => {
      if (event.buttons) this.turn += event.movementX * 0.01;
    });
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.size = Math.min(Math.max(this.size * Math.exp(event.deltaY * 0.001), 1.5), 20);
    });
  }

  set skeleton(on) {} // it is always one

  forgetTrail() {}

  show(places) {
    this.places = places;
    this.height = this.floor.under(places);
    if (this.following || !this.middle) this.middle = [places[0], places[1], this.height + 0.9];
  }

  draw() {
    const { canvas, context, places, height: floor } = this;
    const ratio = Math.min(devicePixelRatio, 2);
    const width = Math.round(canvas.clientWidth * ratio);
    const height = Math.round(canvas.clientHeight * ratio);
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    context.clearRect(0, 0, width, height);
    if (!places) return;
    const scale = height / this.size;
    const [cos, sin] = [Math.cos(this.turn), Math.sin(this.turn)];
    const flat = (x, y, z) => {
      const [dx, dy, dz] = [x - this.middle[0], y - this.middle[1], z - this.middle[2]];
      const depth = -dx * sin + dy * cos;
      return [width / 2 + (dx * cos + dy * sin) * scale, height / 2 - (dz + depth * 0.25) * scale];
    };
    context.strokeStyle = "#8f8a8055";
    context.lineWidth = ratio;
    const [mx, my] = [Math.round(this.middle[0]), Math.round(this.middle[1])];
    for (let step = -4; step <= 4; step += 1) {
      this.line(flat(mx - 4, my + step, floor), flat(mx + 4, my + step, floor));
      this.line(flat(mx + step, my - 4, floor), flat(mx + step, my + 4, floor));
    }
    context.lineCap = "round";
    context.lineWidth = 0.05 * scale;
    const at = (joint) => flat(...places.subarray(joint * 3, joint * 3 + 3));
    for (const [parent, joint, colour] of this.bones) {
      context.strokeStyle = colour;
      this.line(at(parent), at(joint));
    }
    const [x, y] = at(this.head);
    context.fillStyle = COLOURS.middle;
    context.beginPath();
    context.arc(x, y - 0.05 * scale, 0.11 * scale, 0, 2 * Math.PI);
    context.fill();
  }

  line(from, to) {
    this.context.beginPath();
    this.context.moveTo(...from);
    this.context.lineTo(...to);
    this.context.stroke();
  }
}
