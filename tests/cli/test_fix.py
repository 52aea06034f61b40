"""``dartenv fix`` from the outside: plan, consent, repair, undo."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Dict

SOURCE = (
    "source.numpy-aliases",
    "source.posixpath",
    "source.prompt-filenames",
    "source.dataclass-defaults",
    "source.torch-load",
    "source.body-model-dir",
)


def contents(root: Path) -> Dict[str, str]:
    """Every file of a tree by its hash, with its time of change."""
    return {
        str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest()
        + f" {p.stat().st_mtime_ns}"
        for p in sorted(root.rglob("*"))
        if p.is_file()
    }


def statuses(cli: Any, sandbox: Path) -> Dict[str, str]:
    done = cli("doctor", "--dart-root", sandbox, "--select", "source", "--format", "json")
    return {f["check"]: f["status"] for f in json.loads(done.out)["findings"]}


def test_repair_look_again_repair_again_undo(cli: Any, sandbox: Path) -> None:
    before = contents(sandbox)
    repaired = cli("fix", "source", "--dart-root", sandbox, "--yes")
    assert repaired.code == 0, repaired.out + repaired.err
    for fix in SOURCE:
        assert f"repaired  {fix} " in repaired.out
    now = statuses(cli, sandbox)
    assert {now[fix] for fix in SOURCE} == {"ok"}
    after = contents(sandbox)

    again = cli("fix", "source", "--dart-root", sandbox, "--yes")
    assert again.code == 0
    assert "nothing to repair" in again.out + again.err
    assert contents(sandbox) == after

    undone = cli("fix", "--undo")
    assert undone.code == 0, undone.err
    assert contents(sandbox) == before


def test_a_dry_run_changes_nothing_and_shows_every_diff(cli: Any, sandbox: Path) -> None:
    before = contents(sandbox)
    done = cli("fix", "source.numpy-aliases", "--dart-root", sandbox, "--dry-run")
    assert done.code == 0
    assert "quaternion.py" in done.out
    assert any(
        line.lstrip().startswith("-") and "np.float" in line for line in done.out.splitlines()
    )
    assert contents(sandbox) == before
    assert not (sandbox.parent / "state").exists()


def test_a_plan_in_json_says_everything_of_every_step(cli: Any, sandbox: Path) -> None:
    done = cli(
        *("fix", "source", "editor", "--dart-root", sandbox, "--dry-run", "--format", "json")
    )
    assert done.code == 0, done.err
    plan = json.loads(done.out)
    assert plan["versions"]["dartenv"]
    assert isinstance(plan["skipped"], dict)
    assert {"edit-file", "write-file"} <= {step["kind"] for step in plan["steps"]}
    for step in plan["steps"]:
        assert step["reason"]
        assert step["safety"] == "safe"
        assert (step["needs"], step["undoable"], step["download_bytes"]) == ([], True, 0)
        assert step["diff"]
        assert "old_sha256" in step  # null: the file must be absent


def test_without_a_terminal_and_without_yes_nothing_happens(cli: Any, sandbox: Path) -> None:
    before = contents(sandbox)
    done = cli("fix", "source", "--dart-root", sandbox)
    assert done.code == 5
    assert "--yes" in done.err
    assert contents(sandbox) == before


def test_a_saved_plan_is_refused_where_a_file_has_changed(
    cli: Any, sandbox: Path, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.json"
    made = cli("fix", "source", "--dart-root", sandbox, "--dry-run", "--format", "json")
    plan.write_text(made.out, encoding="utf-8")
    target = sandbox / "data_loaders" / "humanml" / "common" / "quaternion.py"
    target.write_bytes(target.read_bytes() + b"# mine\n")
    before = contents(sandbox)
    done = cli("fix", "--plan", plan, "--dart-root", sandbox, "--yes")
    assert done.code == 2
    assert "quaternion.py" in done.err
    assert contents(sandbox) == before


def test_a_saved_plan_is_applied_where_it_fits(cli: Any, sandbox: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    made = cli(
        "fix", "source.numpy-aliases", "--dart-root", sandbox, "--dry-run", "--format", "json"
    )
    plan.write_text(made.out, encoding="utf-8")
    done = cli("fix", "--plan", plan, "--dart-root", sandbox, "--yes")
    assert done.code == 0, done.err
    assert statuses(cli, sandbox)["source.numpy-aliases"] == "ok"


def test_undo_of_a_file_edited_since_changes_nothing_and_shows_three_versions(
    cli: Any, sandbox: Path
) -> None:
    cli("fix", "source.numpy-aliases", "--dart-root", sandbox, "--yes")
    target = sandbox / "data_loaders" / "humanml" / "common" / "quaternion.py"
    target.write_bytes(target.read_bytes() + b"# mine\n")
    before = contents(sandbox)
    done = cli("fix", "--undo")
    assert done.code == 4
    assert contents(sandbox) == before
    assert "--- before dartenv (" in done.out
    assert "+++ dartenv wrote (" in done.out
    ours, _, theirs = done.out.partition("--- dartenv wrote (")
    assert "np.float" in ours
    assert "+# mine" not in ours
    assert "+++ now (" in theirs
    assert "+# mine" in theirs
    assert "np.float" not in theirs.replace("np.float64", "")
    assert len(done.out.splitlines()) < 40


def test_the_history_names_runs_and_what_became_of_them(cli: Any, sandbox: Path) -> None:
    assert "no run yet" in cli("fix", "--history").out
    cli("fix", "source.numpy-aliases", "--dart-root", sandbox, "--yes")
    shown = cli("fix", "--history").out
    assert "applied" in shown
    assert all(len(line) <= 80 or str(sandbox) in line for line in shown.splitlines())
    cli("fix", "--undo")
    assert "undone" in cli("fix", "--history").out
    nothing = cli("fix", "--undo")
    assert nothing.code == 2


def test_an_unknown_fix_is_wrong_usage(cli: Any, sandbox: Path) -> None:
    done = cli("fix", "source.posix", "--dart-root", sandbox, "--yes")
    assert done.code == 2
    assert "source.posixpath" in done.err


def test_what_was_asked_for_and_cannot_be_looked_at_is_no_success(cli: Any, tmp_path: Path) -> None:
    nothing = tmp_path / "nothing"
    done = cli("fix", "source.posixpath", "--dart-root", nothing, "--yes")
    assert done.code == 1
    assert "source.root" in done.out
    done = cli("fix", "packages.torch", "--python", nothing, "--yes")
    assert done.code == 1


def test_what_cannot_be_repaired_by_dartenv_is_no_success(
    cli: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    (tmp_path / ".condarc").write_text(
        "channels: &c [https://x.example/pypi/simple]\ndefault_channels: *c\n", encoding="utf-8"
    )
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    done = cli("fix", "conda.channels", "--yes")
    assert done.code == 1
    assert "by hand" in done.out


def test_a_read_only_tree_is_one_line_and_loses_nothing(cli: Any, sandbox: Path) -> None:
    target = sandbox / "data_loaders" / "humanml" / "common" / "quaternion.py"
    target.chmod(0o444)
    done = cli("fix", "source.numpy-aliases", "--dart-root", sandbox, "--yes")
    assert "Traceback" not in done.out + done.err
    assert done.code in (0, 4)
    assert target.is_file()
