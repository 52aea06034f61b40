// The WebSocket to dartenv. The token comes in the address's fragment, which is then taken away.

const HEAD = 20;
const KEPT = "dartenv-live-token";

function credential() {
  const given = new URLSearchParams(location.hash.slice(1));
  for (const name of ["token", "once"]) {
    const value = given.get(name);
    if (value) {
      history.replaceState(null, "", location.pathname);
      if (name === "token") sessionStorage.setItem(KEPT, value);
      return [name, value];
    }
  }
  const kept = sessionStorage.getItem(KEPT);
  return kept ? ["token", kept] : null;
}

export class Link {
  // on: { about, state, statistics, fault, frame, open, lost }; lost(key of a word, what the server said)
  constructor(on) {
    this.on = on;
    this.tries = 0;
    this.first = credential();
    this.connect();
  }

  connect() {
    const known = this.first ?? credential();
    this.first = null;
    if (!known) {
      this.on.lost("no-token");
      return;
    }
    const [name, value] = known;
    const socket = new WebSocket(`ws://${location.host}/ws?${name}=${encodeURIComponent(value)}`);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.tries = 0;
      this.on.open();
    };
    socket.onmessage = ({ data }) => (typeof data === "string" ? this.text(data) : this.frame(data));
    socket.onclose = ({ reason }) => {
      this.tries += 1;
      this.on.lost(this.tries > 3 ? "gone" : "lost", reason);
      setTimeout(() => this.connect(), Math.min(500 * this.tries, 5000));
    };
    this.socket = socket;
  }

  text(data) {
    const message = JSON.parse(data);
    if (message.is === "about") sessionStorage.setItem(KEPT, message.token);
    this.on[message.is]?.(message);
  }

  frame(data) {
    const view = new DataView(data);
    const places = new Float32Array((data.byteLength - HEAD) / 4);
    for (let index = 0; index < places.length; index += 1) {
      places[index] = view.getFloat32(HEAD + index * 4, true);
    }
    this.on.frame({
      number: view.getUint32(0, true),
      prompt: view.getUint32(4, true),
      due: view.getFloat64(8, true),
      places,
    });
  }

  send(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }
}
