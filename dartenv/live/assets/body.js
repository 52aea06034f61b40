// What the mannequin is made of, by SMPL's joint names. Lengths are metres.

const LIMB = (side) => [
  [`${side}_hip`, `${side}_knee`, 0.078, 0.055],
  [`${side}_knee`, `${side}_ankle`, 0.055, 0.04],
  [`${side}_ankle`, `${side}_foot`, 0.042, 0.035],
  [`${side}_collar`, `${side}_shoulder`, 0.05, 0.055],
  [`${side}_shoulder`, `${side}_elbow`, 0.05, 0.04],
  [`${side}_elbow`, `${side}_wrist`, 0.038, 0.028],
];
// from, to, radius at from, radius at to
export const PARTS = [
  ["left_hip", "right_hip", 0.088, 0.088],
  ["pelvis", "spine1", 0.108, 0.106],
  ["spine1", "spine2", 0.106, 0.114],
  ["spine2", "spine3", 0.114, 0.122],
  ["left_collar", "right_collar", 0.08, 0.08],
  ["spine3", "neck", 0.122, 0.052],
  ["neck", "head", 0.048, 0.048],
  ...LIMB("left"),
  ...LIMB("right"),
];
// joint before, joint, how far beyond it, radius
export const BALLS = [
  ["neck", "head", 0.07, 0.105],
  ["left_elbow", "left_wrist", 0.06, 0.042],
  ["right_elbow", "right_wrist", 0.06, 0.042],
  ["left_ankle", "left_foot", 0.03, 0.038],
  ["right_ankle", "right_foot", 0.03, 0.038],
];

export const sideOf = (name) =>
  name.startsWith("left_") ? "left" : name.startsWith("right_") ? "right" : "middle";

// A part between both sides belongs to the middle.
export const partSide = (from, to) => (sideOf(from) === sideOf(to) ? sideOf(from) : "middle");

export const COLOURS = { left: "#3f87a6", right: "#c9733f", middle: "#b9b2a4" };

// Where the floor is drawn: under the lowest joint of the last two seconds. Motion without end may
// drift in height; then the floor goes with it, slowly, and the pelvis's height is there to read.
export class Floor {
  constructor() {
    this.lowest = [];
    this.height = null;
  }

  under(places) {
    let low = Infinity;
    for (let index = 2; index < places.length; index += 3) low = Math.min(low, places[index]);
    this.lowest.push(low - 0.035);
    if (this.lowest.length > 60) this.lowest.shift();
    const wanted = Math.min(...this.lowest);
    this.height = this.height === null ? wanted : this.height + (wanted - this.height) * 0.03;
    return this.height;
  }
}
