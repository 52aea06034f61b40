"""Large files by plan and journal: placed at one stroke, taken back, killed anywhere."""

from __future__ import annotations

import errno
import hashlib
import os
import zipfile
from pathlib import Path
from typing import Any, Dict, List, Optional

import pytest

from dartenv.errors import DartenvError
from dartenv.fetch.remote import Fetched, FetchFault, Remote
from dartenv.fixes.acts import Hands
from dartenv.fixes.apply import apply
from dartenv.fixes.durable import Durable
from dartenv.fixes.paths import sha256
from dartenv.fixes.plan import Plan, from_json, to_json
from dartenv.fixes.recover import recover
from dartenv.fixes.steps import ExtractFile, FetchFile, what
from dartenv.fixes.undo import UndoRefused, undo
from dartenv.report.plan import render_conflicts, render_plan
from dartenv.report.terminal import plain

NEW = b"whole " * 9000
PART = NEW[:700]
OTHER = b"other " * 100
MODEL = b"model " * 5000


class Fetching:
    """A fetcher whose files come out of memory into its folder."""

    def __init__(self, folder: Path, files: Dict[str, Optional[bytes]]) -> None:
        self.folder = folder
        self.files = files
        self.asked: List[str] = []
        self.begun: Dict[str, Optional[str]] = {}

    def get(self, remote: Remote, begun: Optional[str] = None) -> Fetched:
        data = self.files[remote.name]
        self.begun[remote.name] = begun
        if data is None:
            raise FetchFault("dropped", f"{remote.name}: the line broke")
        path = self.folder / remote.name
        if not path.exists():
            self.asked.append(remote.name)
            self.folder.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return Fetched(path, len(data), hashlib.sha256(data).hexdigest())


def remote(name: str) -> Remote:
    return Remote(id="one", kind="http", url=f"https://h/{name}", name=name)


class Staged:
    """A tree with a stopped download, an archive beside it, and a plan for both."""

    def __init__(self, bench: Any) -> None:
        self.bench = bench
        self.clip = bench.put("cache/ViT.pt", PART)
        self.other = bench.root / "data" / "新" / "other.bin"
        self.model = bench.root / "data" / "models" / "M.npz"
        self.archive = bench.root / "a.zip"
        with zipfile.ZipFile(str(self.archive), "w") as archive:
            archive.writestr("x/models/M.npz", MODEL)
        self.fetching = Fetching(bench.state / "downloads", {"ViT.pt": NEW, "other.bin": OTHER})
        self.plan = bench.plan(
            FetchFile(
                id="a",
                fixes=("assets.clip",),
                reason="test",
                path=str(self.clip),
                remote=remote("ViT.pt"),
                old_sha256=sha256(PART),
                resume=True,
                download_bytes=53_300,
            ),
            FetchFile(
                id="b",
                fixes=("assets.motions",),
                reason="test",
                path=str(self.other),
                remote=remote("other.bin"),
            ),
            ExtractFile(
                id="c",
                fixes=("assets.motions",),
                reason="test",
                path=str(self.model),
                archive=str(self.archive),
                member="models/M.npz",
            ),
        )

    def hands(self, durable: Optional[Durable] = None) -> Hands:
        return Hands(
            durable=durable or Durable(), registry=None, fetcher=lambda state: self.fetching
        )  # type: ignore[arg-type,return-value]

    def apply(self, durable: Optional[Durable] = None, plan: Optional[Plan] = None) -> Any:
        plan = plan or self.plan
        steps = [step.id for step in plan.steps]
        return apply(plan, steps, state=self.bench.state, hands=self.hands(durable))

    def undo(self, durable: Optional[Durable] = None) -> Any:
        return undo(self.bench.state, hands=self.hands(durable))

    def state(self) -> str:
        """``old``, ``new``, or which fixes are done; anything else fails."""
        files = {name: data for name, (data, _, _) in self.bench.files().items() if data}
        del files["a.zip"]
        if files.get("cache/ViT.pt") == PART:
            clip = "old"
        else:
            assert files.get("cache/ViT.pt") == NEW
            clip = "new"
        del files["cache/ViT.pt"]
        both = {"data/新/other.bin": OTHER, "data/models/M.npz": MODEL}
        assert files in ({}, both)
        rest = "new" if files else "old"
        return clip if clip == rest else f"{clip} and {rest}"


@pytest.fixture
def staged(bench: Any) -> Staged:
    return Staged(bench)


def left(staged: Staged) -> List[str]:
    """Large files that are nowhere they belong."""
    every = [p for p in staged.bench.state.rglob("*") if p.is_file()]
    every += staged.bench.root.rglob(".dartenv-*")
    return sorted(p.name for p in every if p.stat().st_size in map(len, (NEW, OTHER, MODEL)))


def test_there_and_back(staged: Staged) -> None:
    before = staged.bench.files()
    report = staged.apply()
    assert staged.bench.outcomes(report) == {"assets.clip": "applied", "assets.motions": "applied"}
    assert staged.state() == "new"
    assert left(staged) == []
    assert staged.fetching.begun["ViT.pt"] == str(staged.clip)
    staged.undo()
    assert staged.bench.files() == before
    assert left(staged) == []


def test_the_plan_says_it_and_goes_through_json(staged: Staged) -> None:
    assert from_json(to_json(staged.plan)) == staged.plan
    text = plain(render_plan(staged.plan, {}))
    assert "3 steps, 3 files changed, 53300 bytes" in text or "0.1 MB to download" in text
    for step in staged.plan.steps:
        assert what(step) in text
    assert from_json(to_json(staged.plan)).download_bytes == 53_300


def test_a_download_that_fails_touches_nothing_and_others_stand(staged: Staged) -> None:
    staged.fetching.files["other.bin"] = None
    report = staged.apply()
    assert staged.bench.outcomes(report) == {"assets.clip": "applied", "assets.motions": "failed"}
    assert staged.state() == "new and old"
    assert "the line broke" in staged.bench.results(report)["assets.motions"].why


def test_a_member_that_is_gone_or_changed(staged: Staged) -> None:
    with zipfile.ZipFile(str(staged.archive), "w") as archive:
        archive.writestr("y/models/N.npz", MODEL)
    report = staged.apply()
    assert "not in it" in staged.bench.results(report)["assets.motions"].why
    staged.archive.unlink()
    assert "not there" in staged.bench.results(staged.apply())["assets.motions"].why


def test_a_failed_check_keeps_the_download_for_the_next_try(staged: Staged) -> None:
    steps = [step.id for step in staged.plan.steps]
    report = apply(
        staged.plan,
        steps,
        state=staged.bench.state,
        hands=staged.hands(),
        verify=lambda fixes: dict.fromkeys(fixes, (False, "still wrong")),
    )
    assert set(staged.bench.outcomes(report).values()) == {"failed"}
    assert staged.state() == "old"
    assert left(staged) == sorted(["ViT.pt", "other.bin"])  # what came out of the archive is gone
    staged.apply()
    assert staged.state() == "new"
    assert staged.fetching.asked == ["ViT.pt", "other.bin"]  # each once


def test_undo_never_over_later_work(staged: Staged) -> None:
    staged.apply()
    staged.other.write_bytes(b"mine")
    with pytest.raises(UndoRefused) as caught:
        staged.undo()
    assert staged.clip.read_bytes() == NEW
    text = plain(render_conflicts(caught.value.conflicts))
    assert sha256(OTHER) in text
    assert "other other" not in text  # large files are told, not shown


class Dead(BaseException):
    """The process is gone: nothing more happens."""


class Dying(Durable):
    """Lives for so many operations."""

    def __init__(self, operations: int) -> None:
        super().__init__(self._step)
        self.left = operations

    def _step(self, label: str) -> None:
        self.left -= 1
        if self.left < 0:
            raise Dead(label)


@pytest.mark.parametrize("mode", ["apply", "undo"])
@pytest.mark.parametrize("drives", [1, 2])
def test_killed_at_every_operation(
    new_bench: Any, monkeypatch: pytest.MonkeyPatch, mode: str, drives: int
) -> None:
    if drives == 2:
        _two_drives(monkeypatch)
    seen = set()
    for operations in range(0, 400, 5 if os.name == "nt" else 2):
        staged = Staged(new_bench())
        if mode == "undo":
            staged.apply()
        try:
            getattr(staged, mode)(Dying(operations))
        except Dead:
            pass
        else:
            break
        recover(staged.bench.state, hands=staged.hands())
        state = staged.state()
        seen.add(state)
        if state == "new":
            continue
        rest = [s for s in staged.plan.steps if state == "old" or s.fixes != ("assets.clip",)]
        staged.apply(plan=staged.bench.plan(*rest))
        assert staged.state() == "new"
    else:
        pytest.fail("it never came to its end")
    assert "old" in seen
    assert "new" in seen or mode == "undo"


def _two_drives(monkeypatch: pytest.MonkeyPatch) -> None:
    """The state folder is on another drive than the tree."""
    real = Path.replace

    def replace(self: Path, target: Any) -> Any:
        if ("state" in self.parts) != ("state" in Path(target).parts):
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)


def test_two_drives(staged: Staged, monkeypatch: pytest.MonkeyPatch) -> None:
    _two_drives(monkeypatch)
    before = staged.bench.files()
    staged.apply()
    assert staged.state() == "new"
    assert left(staged) == []
    if os.name != "nt":
        assert staged.other.stat().st_mode == (staged.bench.root / "a.zip").stat().st_mode
    staged.undo()
    assert staged.bench.files() == before


@pytest.mark.parametrize("at", ["copy ViT.pt", "replace ViT.pt", "mkdir 新", "append journal"])
def test_a_full_disk_anywhere_is_one_line(staged: Staged, at: str) -> None:
    def full(label: str) -> None:
        if label.startswith(at):
            raise OSError(errno.ENOSPC, "No space left on device")

    try:
        report = staged.apply(Durable(full))
        said = "; ".join(result.why for result in report.results)
    except DartenvError as fault:  # the run could not even be begun
        said = str(fault)
    assert "no space left" in said
    assert "\n" not in said
    assert staged.state() in ("old", "new and old", "old and new")


@pytest.mark.skipif(os.name != "nt", reason="only Windows locks open files")
def test_a_file_that_is_open_elsewhere_stays(staged: Staged) -> None:
    with staged.clip.open("rb"):
        report = staged.apply()
    result = staged.bench.results(report)["assets.clip"]
    assert result.outcome.value == "failed"
    assert "ViT.pt" in result.why
    assert staged.state() == "old and new"
    staged.apply(plan=staged.bench.plan(staged.plan.steps[0]))
    assert staged.state() == "new"
    assert staged.fetching.asked.count("ViT.pt") == 1


def test_the_same_content_is_left_alone(staged: Staged) -> None:
    staged.clip.write_bytes(NEW)
    os.utime(str(staged.clip), ns=(10**18, 10**18))
    step = staged.plan.steps[0]
    again = FetchFile(
        id="a",
        fixes=step.fixes,
        reason="test",
        path=str(staged.clip),
        remote=remote("ViT.pt"),
        old_sha256=sha256(NEW),
    )
    staged.apply(plan=staged.bench.plan(again))
    assert staged.clip.stat().st_mtime_ns == 10**18
