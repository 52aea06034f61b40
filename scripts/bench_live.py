"""Whether `dartenv live` holds its rate while receivers stall and strangers knock.

    python scripts/bench_live.py [--bundle DIR] [--seconds 120] [--precision fp32]

Without --bundle the sandbox's own is exported first (needs dartenv's export extra). One process
shows the motion; this one receives it: Unreal's JSON by UDP, VMC by python-osc's server, BVH by TCP,
the page's WebSocket. Beside them a BVH receiver and a page that read nothing, prompts as a person
sends them, two floods of prompts, and now and then a foreign origin, a foreign host and a wrong
token. Prints what the command counted and when frames arrived here.
"""

from __future__ import annotations

import argparse
import http.client
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

PROMPTS = ("walk forward", "turn left", "wave right hand", "stand")
PROMPT_EVERY = 7.0
STRANGERS_EVERY = 5.0
Receiver = Callable[["Arrivals"], None]


class Arrivals:
    """When frames came, and their numbers where the format has them."""

    def __init__(self) -> None:
        self.times: List[float] = []
        self.numbers: List[int] = []

    def note(self, number: int = -1) -> None:
        """One frame came now."""
        self.times.append(time.perf_counter())
        if number >= 0:
            self.numbers.append(number)

    def line(self, name: str) -> str:
        """Counts and gaps between frames, in milliseconds."""
        gaps = sorted(b - a for a, b in zip(self.times, self.times[1:]))
        if not gaps:
            return f"{name:<22} nothing came"

        def at(share: float) -> float:
            return gaps[min(int(share * len(gaps)), len(gaps) - 1)] * 1e3

        text = (
            f"{name:<22} {len(self.times):>6} frames   gap p50 {at(0.5):5.1f}   p99 {at(0.99):5.1f}"
        )
        text += f"   most {gaps[-1] * 1e3:6.1f} ms"
        if self.numbers:
            missing = self.numbers[-1] - self.numbers[0] + 1 - len(self.numbers)
            text += f"   {missing} missing"
        return text


def sandbox_bundle(folder: Path) -> Path:
    """The sandbox's own networks as a bundle in ``folder``."""
    from dartenv.export.bundle import export_bundle
    from dartenv.export.writer import ExportOptions
    from dartenv.manifests.loader import default_manifests
    from dartenv.model.source import Places, read_source

    project = ROOT / "dartenv" / "sandbox" / "project"
    checkpoint = project / "mld_denoiser/mld_sandbox/checkpoint_4000.pt"
    places = Places(checkpoint, project / "data/sandbox-models", {"": "data/stand.pkl"}, None)
    options = ExportOptions(
        models=("primitive",), precisions=("fp32",), variants=("desktop",), check=False
    )
    export_bundle(read_source(project, places), folder, "sandbox", options, default_manifests())
    return folder


def udp_socket() -> socket.socket:
    """Bound to a free port of this machine."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(("127.0.0.1", 0))
    return made


def read_json(receiver: socket.socket) -> Receiver:
    """Unreal's JSON; a datagram that is not whole ends the script."""

    def work(arrivals: Arrivals) -> None:
        while True:
            (bones,) = json.loads(receiver.recv(65536)).values()
            assert [len(bone["Rotation"]) for bone in bones] == [4] * 22
            arrivals.note()

    return work


def vmc_server() -> Tuple[int, Receiver]:
    """python-osc's server; a frame is there with its last bone."""
    from pythonosc.dispatcher import Dispatcher
    from pythonosc.osc_server import BlockingOSCUDPServer

    dispatcher = Dispatcher()
    server = BlockingOSCUDPServer(("127.0.0.1", 0), dispatcher)

    def work(arrivals: Arrivals) -> None:
        def bone(_: str, name: str, *values: float) -> None:
            assert len(values) == 7
            if name == "RightHand":
                arrivals.note()

        dispatcher.map("/VMC/Ext/Bone/Pos", bone)
        server.serve_forever()

    return int(server.server_address[1]), work


def read_bvh(port: int) -> Receiver:
    """Lines of motion after the header."""

    def work(arrivals: Arrivals) -> None:
        with joined(port) as receiver:
            lines = receiver.makefile("r", encoding="ascii")
            for line in lines:
                if line.startswith("Frame Time"):
                    break
            for line in lines:
                assert len(line.split()) == 69
                arrivals.note()

    return work


def joined(port: int, narrow: bool = False) -> socket.socket:
    """A connection to a port of this machine; a ``narrow`` one holds little that is not read."""
    made = socket.socket()
    if narrow:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.connect(("127.0.0.1", port))
    return made


class Page:
    """A page: it reads frames, or nothing at all."""

    def __init__(self, port: int, token: str, narrow: bool = False) -> None:
        from websockets.sync.client import connect

        own = f"http://127.0.0.1:{port}"
        url = f"ws://127.0.0.1:{port}/ws?token={token}"
        options: Any = {"origin": own, "compression": None, "max_queue": 4, "ping_interval": None}
        self._context = connect(url, sock=joined(port, narrow), **options)
        self.socket = self._context.__enter__()

    def read(self, arrivals: Arrivals) -> None:
        """Frames until the end."""
        for message in self.socket:
            if isinstance(message, bytes):
                arrivals.note(int.from_bytes(message[:4], "little"))

    def ask(self, text: str) -> None:
        """A prompt."""
        self.socket.send(json.dumps({"do": "prompt", "text": text}))


def knock(port: int, query: str, origin: str) -> int:
    """The status that a WebSocket with this origin gets."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    headers = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Version": "13",
        "Origin": origin,
    }
    try:
        connection.request("GET", f"/ws?{query}", headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


def foreign_host(port: int) -> int:
    """The status that a page under another name gets."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/", headers={"Host": f"evil.example:{port}"})
        return connection.getresponse().status
    finally:
        connection.close()


def strangers(port: int, token: str) -> List[int]:
    """What those get who should get nothing."""
    own = f"http://127.0.0.1:{port}"
    return [
        knock(port, f"token={token}", "http://evil.example"),
        knock(port, "token=wrong", own),
        knock(port, "", own),
        foreign_host(port),
    ]


def flood(port: int, token: str) -> int:
    """Send prompts as fast as they go until the connection is cut; how many went."""
    page = Page(port, token)
    for number in range(100_000):
        try:
            page.ask(f"turn {number}")
        except Exception:
            return number
    return 100_000


def begin(work: Callable[..., object], *values: Any) -> None:
    """On a thread of its own, whose end nobody waits for."""

    def quiet() -> None:
        try:
            work(*values)
        except (OSError, EOFError):
            pass
        except Exception as error:
            if type(error).__name__ not in ("ConnectionClosedOK", "ConnectionClosedError"):
                raise

    threading.Thread(target=quiet, daemon=True).start()


def started(process: Any) -> Dict[str, str]:
    """Page port, token and BVH port from what the command says."""
    found: Dict[str, str] = {}
    for line in process.stderr:
        print(re.sub(r"token=\S+", "token=...", line), end="")
        match = re.search(r":(\d+)/#token=(\S+)", line)
        if match:
            found["page"], found["token"] = match.groups()
        match = re.search(r"bvh +127.0.0.1:(\d+)", line)
        if match:
            found["bvh"] = match.group(1)
        if line.startswith(("Ctrl-C", "for ")):
            break
    if "token" not in found or "bvh" not in found:
        raise SystemExit("dartenv live did not start")
    return found


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--bundle", type=Path, help="an exported bundle; the sandbox's without it")
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--threads", default="1")
    parser.add_argument(
        "--quiet", action="store_true", help="no stalled receivers, floods, strangers"
    )
    options = parser.parse_args()
    logging.getLogger("websockets").setLevel(logging.CRITICAL)  # it says much when it is cut off
    with tempfile.TemporaryDirectory() as folder:
        bundle = options.bundle or sandbox_bundle(Path(folder))
        run(options, bundle, Path(folder) / "figures.json")


def run(options: Any, bundle: Path, stats: Path) -> None:
    """The command, its receivers, and what came of both."""
    unreal = udp_socket()
    vmc_port, vmc = vmc_server()
    argv = [sys.executable, "-m", "dartenv", "live", "--bundle", str(bundle), "--no-open"]
    argv += ["--prompt", PROMPTS[0], "--precision", options.precision, "--threads", options.threads]
    argv += ["--udp", f"127.0.0.1:{unreal.getsockname()[1]}", "--vmc", f"127.0.0.1:{vmc_port}"]
    argv += ["--bvh-tcp", "0", "--stats", str(stats)]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env
    )
    found = started(process)
    port, token = int(found["page"]), found["token"]
    arrivals = {name: Arrivals() for name in ("udp json", "vmc", "bvh", "page")}
    page = Page(port, token)
    begin(read_json(unreal), arrivals["udp json"])
    begin(vmc, arrivals["vmc"])
    begin(read_bvh(int(found["bvh"])), arrivals["bvh"])
    begin(page.read, arrivals["page"])
    held: List[Any] = []
    if not options.quiet:
        held = [joined(int(found["bvh"]), True), Page(port, token, True)]
    answers = disturb(options, port, token, page)
    if sys.platform == "win32":
        process.terminate()
    else:
        process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    print(err, end="")
    print(f"\nwhat the command counted ({os.cpu_count()} processors)\n{out}")
    print("when frames arrived here")
    for name, seen in arrivals.items():
        print(f"  {seen.line(name)}")
    if held:
        print(f"  stalled all the time: {len(held)} (one BVH receiver, one page)")
        print(
            f"strangers got {sorted(set(answers['strangers']))} in {len(answers['strangers'])} tries"
        )
        print(f"floods were cut off after {answers['floods']} prompts")


def disturb(options: Any, port: int, token: str, page: Page) -> Dict[str, List[int]]:
    """Prompts, strangers and floods until the time is over."""
    answers: Dict[str, List[int]] = {"strangers": [], "floods": []}
    start = time.monotonic()
    prompt_at, stranger_at, asked = PROMPT_EVERY, STRANGERS_EVERY, 0
    flood_at = [options.seconds / 3, options.seconds * 2 / 3]
    while time.monotonic() - start < options.seconds:
        passed = time.monotonic() - start
        if passed >= prompt_at:
            asked += 1
            page.ask(PROMPTS[asked % len(PROMPTS)])
            prompt_at += PROMPT_EVERY
        if not options.quiet and passed >= stranger_at:
            answers["strangers"] += strangers(port, token)
            stranger_at += STRANGERS_EVERY
        if not options.quiet and flood_at and passed >= flood_at[0]:
            flood_at.pop(0)
            answers["floods"].append(flood(port, token))
        time.sleep(0.05)
    return answers


if __name__ == "__main__":
    main()
