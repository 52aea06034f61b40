// The body in three dimensions, by WebGL. The world is DART's: right-handed, z up, metres.

import * as THREE from "three";
import { OrbitControls } from "./vendor/OrbitControls.js";
import { BALLS, COLOURS, Floor, PARTS, partSide, sideOf } from "./body.js";

const UP = new THREE.Vector3(0, 1, 0); // along which three.js builds cylinders
const TRAIL = 600;
const SLOW = 60; // milliseconds between two pictures: then they are drawn with fewer points
const LEAST_RATIO = 0.5;

// Squares on the floor, in short pieces: software renderers drop long lines that run past the eye.
function makeGrid(reach, step) {
  const points = [];
  for (let across = -reach; across <= reach; across += step) {
    for (let along = -reach; along < reach; along += 1) {
      points.push(across, along, 0, across, along + 1, 0, along, across, 0, along + 1, across, 0);
    }
  }
  const geometry = new THREE.BufferGeometry();
  geometry.setAttribute("position", new THREE.Float32BufferAttribute(points, 3));
  const look = { color: "#8f8a80", transparent: true, opacity: 0.35 };
  return new THREE.LineSegments(geometry, new THREE.LineBasicMaterial(look));
}

// Whether a processor draws in a graphics card's place. Asked on a canvas of its own, because
// three.js says loudly that there is no WebGL. Throws then.
function isSoftware() {
  const gl = document.createElement("canvas").getContext("webgl2");
  if (!gl) throw new Error("no WebGL 2");
  const told = gl.getExtension("WEBGL_debug_renderer_info");
  const name = told ? gl.getParameter(told.UNMASKED_RENDERER_WEBGL) : "";
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return /swiftshader|llvmpipe|softpipe|software|basic render/i.test(name);
}

export class Scene {
  // Throws where the browser gives no WebGL.
  constructor(canvas, names, parents) {
    const antialias = !isSoftware();
    this.renderer = new THREE.WebGLRenderer({ canvas, antialias, alpha: true });
    this.ratio = Math.min(devicePixelRatio, 2);
    this.renderer.setPixelRatio(this.ratio);
    this.pace = 0;
    this.scene = new THREE.Scene();
    this.camera = new THREE.PerspectiveCamera(40, 1, 0.05, 200);
    this.camera.up.set(0, 0, 1);
    this.camera.position.set(2.6, -3.4, 1.7);
    this.controls = new OrbitControls(this.camera, canvas);
    this.controls.target.set(0, 0, 0.9);
    this.controls.maxDistance = 40;
    this.controls.minDistance = 0.6;
    this.following = true;
    this.middle = null;

    this.scene.add(new THREE.HemisphereLight("#ffffff", "#8a8478", 2.1));
    const sun = new THREE.DirectionalLight("#ffffff", 1.9);
    sun.position.set(2, -3, 5);
    this.scene.add(sun);
    this.grid = makeGrid(12, 0.5);
    this.scene.add(this.grid);
    this.shade = new THREE.Mesh(
      new THREE.CircleGeometry(0.34, 40),
      new THREE.MeshBasicMaterial({ color: "#000000", transparent: true, opacity: 0.16 }),
    );
    this.scene.add(this.shade);

    const place = Object.fromEntries(names.map((name, joint) => [name, joint]));
    this.body = this.makeBody(place);
    this.bones = this.makeBones(names, parents);
    this.bones.group.visible = false;
    this.trail = this.makeTrail();
    this.from = new THREE.Vector3();
    this.to = new THREE.Vector3();
    this.along = new THREE.Vector3();
    this.size = new THREE.Vector2();
    this.floor = new Floor();
    this.drawnAt = 0;
    this.stale = true;
  }

  makeBody(place) {
    const group = new THREE.Group();
    const skin = Object.fromEntries(
      Object.entries(COLOURS).map(([side, color]) => [
        side,
        new THREE.MeshLambertMaterial({ color }),
      ]),
    );
    const parts = PARTS.map(([from, to, low, high]) => {
      const side = skin[partSide(from, to)];
      const tube = new THREE.Mesh(new THREE.CylinderGeometry(high, low, 1, 16, 1, true), side);
      const ends = [low, high].map((r) => new THREE.Mesh(new THREE.SphereGeometry(r, 16, 10), side));
      group.add(tube, ...ends);
      return { from: place[from], to: place[to], tube, ends };
    });
    const balls = BALLS.map(([before, joint, beyond, radius]) => {
      const mesh = new THREE.Mesh(new THREE.SphereGeometry(radius, 18, 12), skin[sideOf(joint)]);
      if (joint === "head") mesh.scale.set(0.88, 1.15, 0.95);
      group.add(mesh);
      return { before: place[before], joint: place[joint], beyond, mesh };
    });
    this.scene.add(group);
    return { group, parts, balls };
  }

  makeBones(names, parents) {
    const group = new THREE.Group();
    const dots = names.map((name) => {
      const dot = new THREE.Mesh(
        new THREE.SphereGeometry(0.024, 10, 6),
        new THREE.MeshBasicMaterial({ color: COLOURS[sideOf(name)] }),
      );
      group.add(dot);
      return dot;
    });
    const pairs = parents.map((parent, joint) => [parent, joint]).filter(([parent]) => parent >= 0);
    const geometry = new THREE.BufferGeometry();
    const lines = new THREE.BufferAttribute(new Float32Array(pairs.length * 6), 3);
    geometry.setAttribute("position", lines);
    const mesh = new THREE.LineSegments(
      geometry,
      new THREE.LineBasicMaterial({ color: "#7d776b" }),
    );
    mesh.frustumCulled = false;
    group.add(mesh);
    this.scene.add(group);
    return { group, dots, pairs, lines };
  }

  makeTrail() {
    const geometry = new THREE.BufferGeometry();
    const points = new THREE.BufferAttribute(new Float32Array(TRAIL * 3), 3);
    geometry.setAttribute("position", points);
    geometry.setDrawRange(0, 0);
    const line = new THREE.Line(geometry, new THREE.LineBasicMaterial({ color: "#1f6f8b" }));
    line.frustumCulled = false;
    this.scene.add(line);
    return { geometry, points, count: 0 };
  }

  set skeleton(on) {
    this.body.group.visible = !on;
    this.bones.group.visible = on;
    this.stale = true;
  }

  // places: Float32Array of x, y, z for each joint.
  show(places) {
    const at = (joint, vector) => vector.fromArray(places, joint * 3);
    for (const { from, to, tube, ends } of this.body.parts) {
      at(from, this.from);
      at(to, this.to);
      this.along.subVectors(this.to, this.from);
      const length = this.along.length();
      tube.position.copy(this.from).addScaledVector(this.along, 0.5);
      tube.scale.set(1, Math.max(length, 1e-4), 1);
      if (length > 1e-4) tube.quaternion.setFromUnitVectors(UP, this.along.divideScalar(length));
      ends[0].position.copy(this.from);
      ends[1].position.copy(this.to);
    }
    for (const { before, joint, beyond, mesh } of this.body.balls) {
      at(before, this.from);
      at(joint, this.to);
      this.along.subVectors(this.to, this.from).normalize();
      mesh.position.copy(this.to).addScaledVector(this.along, beyond);
      mesh.quaternion.setFromUnitVectors(UP, this.along);
    }
    this.bones.dots.forEach((dot, joint) => at(joint, dot.position));
    this.bones.pairs.forEach(([parent, joint], index) => {
      this.bones.lines.array.set(places.subarray(parent * 3, parent * 3 + 3), index * 6);
      this.bones.lines.array.set(places.subarray(joint * 3, joint * 3 + 3), index * 6 + 3);
    });
    this.bones.lines.needsUpdate = true;
    this.stale = true;
    this.stand(places);
  }

  stand(places) {
    const floor = this.floor.under(places);
    const [x, y, z] = places;
    this.shade.position.set(x, y, floor + 0.004);
    // The grid moves by whole squares: there is always floor under the body.
    this.grid.position.set(Math.round(x), Math.round(y), floor);
    if (this.middle === null) {
      this.middle = new THREE.Vector3(x, y, z);
      const step = new THREE.Vector3(x, y, z).sub(this.controls.target);
      this.camera.position.add(step);
      this.controls.target.add(step);
    }
    this.middle.set(x, y, z);
    const { points, geometry } = this.trail;
    if (this.trail.count === TRAIL) points.array.copyWithin(0, 3);
    else this.trail.count += 1;
    points.array.set([x, y, floor + 0.006], (this.trail.count - 1) * 3);
    points.needsUpdate = true;
    geometry.setDrawRange(0, this.trail.count);
  }

  forgetTrail() {
    this.trail.count = 0;
  }

  // Draws where something changed since the last time. `now` is in milliseconds.
  draw(now) {
    const { clientWidth: width, clientHeight: height } = this.renderer.domElement;
    const size = this.renderer.getSize(this.size);
    if (width && height && (size.x !== width || size.y !== height)) {
      this.renderer.setSize(width, height, false);
      this.camera.aspect = width / height;
      this.camera.updateProjectionMatrix();
      this.stale = true;
    }
    const seconds = Math.min((now - this.drawnAt) / 1000, 0.5);
    this.drawnAt = now;
    if (this.following && this.middle) {
      this.along.subVectors(this.middle, this.controls.target);
      this.along.z *= 0.3;
      if (this.along.length() > 0.002) {
        this.along.multiplyScalar(1 - Math.exp(-5 * seconds));
        this.camera.position.add(this.along);
        this.controls.target.add(this.along);
        this.stale = true;
      }
    }
    if (this.controls.update() || this.stale) {
      this.keepPace(seconds * 1000);
      this.renderer.render(this.scene, this.camera);
    }
    this.stale = false;
  }

  // A renderer without a graphics card gets fewer points to draw.
  keepPace(milliseconds) {
    this.pace += (milliseconds - this.pace) * 0.1;
    if (this.pace < SLOW || this.ratio <= LEAST_RATIO) return;
    this.ratio = Math.max(this.ratio * 0.7, LEAST_RATIO);
    this.renderer.setPixelRatio(this.ratio);
    this.pace = 0;
  }
}
