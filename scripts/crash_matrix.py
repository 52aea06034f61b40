"""Kill `dartenv fix` at every durable operation, and see that nothing is ever lost.

A child process applies, undoes or recovers a run of more than eight steps and dies hard (SIGKILL;
TerminateProcess on Windows) before, in the middle of, or after operation number n; the next
command must then find or make exactly the old or exactly the new state. For all n:

    python scripts/crash_matrix.py [--spawn] [--every K] [--from N] [--dir DIR] [MODE ...]

Modes: apply, apply-three, undo, recover. Exit code 1 if any byte, mode or time was lost.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable, Counter, Dict, List, NamedTuple, Optional, Sequence, Tuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from dartenv.errors import UsageFault
from dartenv.facts.model import TargetFacts
from dartenv.fixes.acts import Hands
from dartenv.fixes.apply import apply
from dartenv.fixes.durable import Durable, Hook
from dartenv.fixes.paths import sha256
from dartenv.fixes.plan import Plan, from_json, new_plan, to_json
from dartenv.fixes.recover import recover
from dartenv.fixes.steps import (
    AnyStep,
    EditFile,
    MovePath,
    RegistryValue,
    RemoveFile,
    RunCommand,
    SetRegistryValue,
    WriteFile,
)
from dartenv.fixes.undo import undo

OLD_TIME = 1_600_000_000_123_456_700  # a multiple of 100 ns, which is what NTFS keeps
FILES = {
    "mld/rollout_mld.py": b"import numpy as np\nx = np.float(1)\n",
    "mld/rollout demo.py": b"# crlf\r\nprompt = '*'\r\n",
    "model/\u6a21\u578b.py": "# 注释\nlatent = 1".encode("gbk"),
    "config_files/data_paths.py": b"\xef\xbb\xbfbody = 'smplx'\n",
    "data/stand.pkl": bytes(range(256)) * 40,
    "data/smplx/SMPLX_MALE.npz": b"PK\x03\x04" + b"\0" * 3000,
    "data/old_name.txt": b"kept\n",
    "notes.txt": b"",
}
# TerminateProcess gives the number of the signal asked for as the exit code.
_KILLED = int(signal.SIGTERM) if os.name == "nt" else -int(signal.SIGKILL)
Snapshot = Dict[str, Tuple[str, bytes, int, int]]


class DeadRegistry:
    """A registry in a file of the tree, so that a killed child leaves it behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def _all(self) -> Dict[str, str]:
        found: Dict[str, str] = (
            json.loads(self.path.read_text("utf-8")) if self.path.exists() else {}
        )
        return found

    def _write(self, values: Dict[str, str]) -> None:
        temporary = self.path.with_name(".registry.new")
        temporary.write_text(json.dumps(values), "utf-8")
        temporary.replace(self.path)

    def get(self, hive: str, key: str, name: str) -> Optional[RegistryValue]:
        text = self._all().get(f"{hive}\\{key}\\{name}")
        return None if text is None else RegistryValue(type=1, text=text)

    def set(self, hive: str, key: str, name: str, value: RegistryValue) -> None:
        self._write({**self._all(), f"{hive}\\{key}\\{name}": value.text or ""})

    def delete(self, hive: str, key: str, name: str) -> None:
        values = self._all()
        values.pop(f"{hive}\\{key}\\{name}", None)
        self._write(values)

    def missing_keys(self, hive: str, key: str) -> Tuple[str, ...]:
        return ()

    def delete_empty_key(self, hive: str, key: str) -> None:
        return


class MarkerRunner:
    """A runner whose one program writes or removes a file, as an installer would."""

    def run(
        self,
        argv: Sequence[str],
        timeout: float,
        env: object = None,
        cwd: object = None,
        stdin: object = None,
    ) -> object:
        from dartenv.facts.runner import Completed

        marker = Path(argv[2])
        if argv[1] == "install":
            marker.write_bytes(b"installed\n")
        elif marker.exists():
            marker.unlink()
        return Completed(argv, 0)


class TearingDurable(Durable):
    """Also stops in the middle of every write: half a record, half a file."""

    def pour(self, handle: int, data: bytes) -> None:
        half = len(data) // 2
        super().pour(handle, data[:half])
        self.point("half written")
        super().pour(handle, data[half:])


class Place(NamedTuple):
    """One tree and one state folder."""

    root: Path
    state: Path

    def hands(self, hook: Optional[Hook] = None) -> Hands:
        runner: Callable[[], object] = MarkerRunner
        return Hands(TearingDurable(hook), runner, DeadRegistry(self.root / "registry.json"))  # type: ignore[arg-type]


def build(folder: Path) -> Place:
    """The old tree, always the same but for its folder."""
    place = Place(folder / "DART 主", folder / "state")
    for name, data in FILES.items():
        path = place.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        if os.name != "nt":
            path.chmod(0o640 if name.endswith(".py") else 0o604)
        os.utime(str(path), ns=(OLD_TIME, OLD_TIME))
    (place.root / "registry.json").write_text('{"H\\\\k\\\\n": "old"}', "utf-8")
    return place


def make_plan(root: Path, fixes: Sequence[str]) -> Plan:
    """Twelve steps, spread over ``fixes``."""

    def at(name: str) -> str:
        return str(root / name)

    def edit(name: str, content: bytes) -> Dict[str, object]:
        return {"path": at(name), "old_sha256": sha256(FILES[name]), "content": content}

    program = str(Path(sys.executable).absolute())
    marker = at("installed.txt")
    raw: List[Tuple[type, Dict[str, object]]] = [
        (EditFile, edit("mld/rollout_mld.py", b"import numpy as np\nx = float(1)\n")),
        (EditFile, edit("mld/rollout demo.py", b"# crlf\r\nprompt = '_'\r\nmore = 1\r\n")),
        (EditFile, edit("model/\u6a21\u578b.py", "# 注释\nlatent = 2".encode("gbk"))),
        (WriteFile, edit("config_files/data_paths.py", b"body = 'models'\n")),
        (WriteFile, {"path": at("a/b/c/activate.sh"), "content": b"export X=1\n"}),
        (WriteFile, {"path": at("a/b/second.bat"), "content": b"set X=1\r\n"}),
        (RemoveFile, {"path": at("data/stand.pkl"), "old_sha256": sha256(FILES["data/stand.pkl"])}),
        (MovePath, {"path": at("data/smplx"), "destination": at("models/here/smplx")}),
        (MovePath, {"path": at("data/old_name.txt"), "destination": at("data/new name.txt")}),
        (
            RunCommand,
            {"argv": (program, "install", marker), "undo_argv": (program, "remove", marker)},
        ),
        (
            SetRegistryValue,
            {"hive": "H", "key": "k", "name": "n", "value": RegistryValue(type=1, text="new")},
        ),
        (EditFile, edit("notes.txt", b"no longer empty")),
    ]
    steps: List[AnyStep] = []
    for number, (kind, fields) in enumerate(raw):
        fix = fixes[number * len(fixes) // len(raw)]
        steps.append(kind(id=f"{fix}:{number}", fixes=(fix,), reason="matrix", **fields))
    return new_plan(TargetFacts(dart_root=str(root)), steps)


def snapshot(place: Place) -> Snapshot:
    """Everything below the root: kind, bytes, mode and time (none for folders)."""
    found: Snapshot = {}
    for path in sorted(place.root.rglob("*")):
        name = path.relative_to(place.root).as_posix()
        info = os.lstat(str(path))
        if path.is_dir():
            found[name] = ("folder", b"", 0, 0)
        elif name in ("registry.json", "installed.txt"):  # stand for what keeps no time
            found[name] = ("value", path.read_bytes(), 0, 0)
        else:
            # Windows keeps one bit, and makes up the others from the name's ending.
            mode = info.st_mode & (0o200 if os.name == "nt" else 0o777)
            found[name] = ("file", path.read_bytes(), mode, info.st_mtime_ns)
    return found


def timeless(state: Snapshot) -> Snapshot:
    """A snapshot without the times of files that the run wrote."""
    return {
        name: (kind, data, mode, time_ns if time_ns == OLD_TIME else 0)
        for name, (kind, data, mode, time_ns) in state.items()
    }


def dying(crash_at: int) -> Hook:
    """A hook under which the process dies at operation ``crash_at``, counted from 1."""
    count = 0

    def hook(label: str) -> None:
        nonlocal count
        count += 1
        if count == crash_at:
            # On Windows this is TerminateProcess: no handler, no clean-up.
            os.kill(os.getpid(), signal.SIGTERM if os.name == "nt" else signal.SIGKILL)

    return hook


def act(mode: str, place: Place, plan: Plan, hook: Optional[Hook] = None) -> object:
    """What the mode's child does."""
    hands = place.hands(hook)
    if mode == "undo":
        return undo(place.state, hands=hands)
    if mode == "recover":
        return recover(place.state, hands=hands)
    return apply(plan, [step.id for step in plan.steps], state=place.state, hands=hands)


def run_child(mode: str, place: Place, plan: Plan, crash_at: int, spawn: bool) -> bool:
    """Whether a child of its own died at ``crash_at`` (it ends by itself beyond the last)."""
    if spawn:
        plan_file = place.state.parent / "plan.json"
        plan_file.write_bytes(to_json(plan))
        argv = [sys.executable, __file__, "--child", mode, str(place.state.parent), str(crash_at)]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, check=False, timeout=120)
        if done.returncode not in (0, _KILLED):
            raise RuntimeError(f"{mode}: the child failed by itself at operation {crash_at}")
        return done.returncode == _KILLED
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            act(mode, place, plan, dying(crash_at))
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return True
    if os.WEXITSTATUS(status) != 0:
        raise RuntimeError(f"{mode}: the child failed by itself at operation {crash_at}")
    return False


class Result(NamedTuple):
    """A whole matrix: kill points, what came out, and every loss in words."""

    mode: str
    points: int
    outcomes: Counter[str]
    losses: List[str]


def matrix(
    mode: str,
    folder: Path,
    every: int = 1,
    first: int = 1,
    spawn: bool = os.name == "nt",
    onwards: int = 1,
) -> Result:
    """Kill at operations ``first``, ``first + every``, ... until the child outlives the number.

    Of every ``onwards``-th point it is also seen that the next fix and the next undo go on well.
    """
    outcomes: Counter[str] = collections.Counter()
    losses: List[str] = []
    fixes = ("one", "two", "three") if mode == "apply-three" else ("one",)
    at, points = first, 0
    while True:
        here = folder / f"{mode}-{at}"
        place = build(here)
        old = snapshot(place)
        plan = make_plan(place.root, fixes)
        if mode == "undo":
            act("apply", place, plan)
        elif mode == "recover":
            # Die in the middle first: about where the ninth of twelve steps is done.
            died = run_child("apply", place, plan, 130, spawn)
            assert died, "the run is shorter than the harness thinks"
        died = run_child(mode, place, plan, at, spawn)
        try:
            outcomes[judge(place, plan, old, onwards=points % onwards == 0)] += 1
        except AssertionError as loss:
            losses.append(f"{mode}, killed at {at}: {loss}")
        shutil.rmtree(str(here))
        if not died:
            return Result(mode, points, outcomes, losses)
        points += 1
        at += every


def judge(place: Place, plan: Plan, old: Snapshot, onwards: bool = True) -> str:
    """Recover and see that the state is whole; then on to the new side, and back to the old.

    Returns ``old``, ``new`` or ``old and new``; AssertionError names what was lost.
    """
    recover(place.state, hands=place.hands())
    state = _whole(place, plan, old)
    if not onwards:
        return state
    rest = [step for step in plan.steps if not _is_new(plan, step.fixes[0])]
    again = new_plan(plan.target, rest)
    apply(again, [step.id for step in rest], state=place.state, hands=place.hands())
    _same(timeless(snapshot(place)), _new(place, plan, old), "fixed again")
    while True:
        try:
            undo(place.state, hands=place.hands())
        except UsageFault:
            break  # no run left to undo
    _same(snapshot(place), old, "undone")
    return state


def _is_new(plan: Plan, fix: str) -> bool:
    """Whether the first step of ``fix`` shows in the tree."""
    step = next(step for step in plan.steps if step.fixes == (fix,))
    if isinstance(step, MovePath):
        return Path(step.destination).exists()
    if isinstance(step, (EditFile, WriteFile)):
        path = Path(step.path)
        return path.exists() and path.read_bytes() == step.content
    assert isinstance(step, RemoveFile)
    return not Path(step.path).exists()


def _whole(place: Place, plan: Plan, old: Snapshot) -> str:
    """``old``, ``new`` or, of a run of several fixes, ``old and new``; AssertionError else."""
    seen = snapshot(place)
    if seen == old:
        return "old"
    done = [step for step in plan.steps if _is_new(plan, step.fixes[0])]
    _same(timeless(seen), _new(place, new_plan(plan.target, done), old), "after recovery")
    return "new" if len(done) == len(plan.steps) else "old and new"


def _new(place: Place, plan: Plan, old: Snapshot) -> Snapshot:
    """What the tree must look like after exactly these steps, worked out without the engine."""
    want = dict(old)
    fresh = 0o200 if os.name == "nt" else 0o666 & ~_umask()
    for step in plan.steps:
        if isinstance(step, (EditFile, WriteFile)):
            name = Path(step.path).relative_to(place.root).as_posix()
            mode = old[name][2] if name in old else fresh
            want[name] = ("file", step.content, mode, 0)
            for parent in list(Path(name).parents)[:-1]:
                want[parent.as_posix()] = ("folder", b"", 0, 0)
        elif isinstance(step, RemoveFile):
            del want[Path(step.path).relative_to(place.root).as_posix()]
        elif isinstance(step, MovePath):
            here = Path(step.path).relative_to(place.root).as_posix()
            there = Path(step.destination).relative_to(place.root).as_posix()
            for name in [n for n in want if n == here or n.startswith(here + "/")]:
                want[there + name[len(here) :]] = want.pop(name)
            for parent in list(Path(there).parents)[:-1]:
                want[parent.as_posix()] = ("folder", b"", 0, 0)
        elif isinstance(step, RunCommand):
            want["installed.txt"] = ("value", b"installed\n", 0, 0)
        elif isinstance(step, SetRegistryValue):
            want["registry.json"] = ("value", b'{"H\\\\k\\\\n": "new"}', 0, 0)
    return want


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _same(seen: Snapshot, wanted: Snapshot, when: str) -> None:
    wrong = [name for name in {**seen, **wanted} if seen.get(name) != wanted.get(name)]
    if wrong:
        name = sorted(wrong)[0]
        raise AssertionError(f"{when}: {name}: is {seen.get(name)}, wanted {wanted.get(name)}")


def main(argv: Sequence[str]) -> int:
    """The command line above."""
    if argv[:1] == ["--child"]:
        folder = Path(argv[2])
        place = Place(folder / "DART 主", folder / "state")
        plan = from_json((folder / "plan.json").read_bytes())
        act(argv[1], place, plan, dying(int(argv[3])))
        return 0
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("modes", nargs="*", default=["apply", "apply-three", "undo", "recover"])
    parser.add_argument("--spawn", action="store_true", default=os.name == "nt")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--from", type=int, default=1, dest="first")
    parser.add_argument("--dir", help="where to build the trees; a RAM disk is some times faster")
    options = parser.parse_args(argv)
    failed = False
    for mode in options.modes:
        begun = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="crash-matrix-", dir=options.dir) as made:
            result = matrix(mode, Path(made), options.every, options.first, options.spawn)
        outcomes = ", ".join(f"{name}: {n}" for name, n in sorted(result.outcomes.items()))
        print(
            f"{mode}: {result.points} kill points; {outcomes}; {len(result.losses)} losses; "
            f"{time.monotonic() - begun:.1f} s"
        )
        for loss in result.losses[:5]:
            print(f"  {loss}")
        failed = failed or bool(result.losses)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
