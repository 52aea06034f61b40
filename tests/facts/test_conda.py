"""conda, pip and git as they lie on a disk; conda itself is scripted."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence

import pytest

from dartenv.checks.conda import tools_table
from dartenv.facts.conda import probe_conda, read_condarc
from dartenv.facts.runner import Completed
from dartenv.facts.tools import probe_git, probe_pip
from dartenv.facts.windows import NoRegistry
from dartenv.manifests.loader import Manifests

TABLE = tools_table(Manifests())


class Scripted:
    """Answers each command line once; a second or unknown one fails the test."""

    def __init__(self, answers: Dict[str, Completed]) -> None:
        self.answers = answers
        self.asked: List[str] = []

    def run(
        self,
        argv: Sequence[str],
        timeout: float,
        env: Optional[Mapping[str, str]] = None,
        cwd: Optional[str] = None,
        stdin: Optional[bytes] = None,
    ) -> Completed:
        key = " ".join(argv[1:])
        self.asked.append(key)
        return self.answers.pop(key)


def home_with(tmp_path: Path, files: Mapping[str, bytes]) -> Dict[str, str]:
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}


def done(document: Any) -> Completed:
    return Completed(["conda"], 0, json.dumps(document).encode("utf-8"))


def posix(env: Mapping[str, str], runner: Any) -> Any:
    return probe_conda(env, runner, TABLE, NoRegistry(), is_windows=False)


def test_conda_is_asked_once_and_its_environments_are_looked_at(tmp_path: Path) -> None:
    root = tmp_path / "miniconda3"
    env = home_with(
        tmp_path,
        {
            "miniconda3/bin/conda": b"",
            "miniconda3/bin/python": b"",
            "miniconda3/conda-meta/history": b"",
            "miniconda3/envs/dart/bin/python": b"",
            "miniconda3/envs/dart/conda-meta/history": b"",
            "miniconda3/envs/half/lib/x": b"",
        },
    )
    info = {
        "conda_version": "24.1.2",
        "root_prefix": str(root),
        "envs": [str(root), str(root / "envs/dart"), str(root / "envs/half")],
    }
    runner = Scripted({"info --json": done(info)})
    probed = posix(env, runner)
    conda = probed.value
    assert probed.failures == ()
    assert (conda.kind, conda.version) == ("conda", "24.1.2")
    assert [(e.name, e.is_base, e.has_history) for e in conda.environments] == [
        ("base", True, True),
        ("dart", False, True),
        ("half", False, False),
    ]
    assert conda.environments[2].python is None
    assert runner.answers == {}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Completed(["conda"], None, failure="timeout"), "no answer within 8 s"),
        (Completed(["conda"], 1, b"", b"boom"), "exit code 1"),
        (Completed(["conda"], -11, b""), "segmentation fault (SIGSEGV)"),
        (Completed(["conda"], 0, b""), "not JSON (0 bytes)"),
        (Completed(["conda"], 0, b"\xc4\xe3\xba\xc3 {"), "not JSON"),
    ],
)
def test_a_conda_that_does_not_answer_is_a_failure_and_the_rest_stands(
    tmp_path: Path, answer: Completed, reason: str
) -> None:
    env = home_with(
        tmp_path, {"miniconda3/bin/conda": b"", ".condarc": b"channels: [conda-forge]\n"}
    )
    probed = posix(env, Scripted({"info --json": answer}))
    assert reason in probed.failures[0].reason
    assert probed.value.version is None
    assert probed.value.condarcs[0].channels == ("conda-forge",)


def test_no_conda_is_an_answer_and_nothing_is_run(tmp_path: Path) -> None:
    probed = posix(home_with(tmp_path, {}), Scripted({}))
    assert probed.value.kind is None
    assert probed.failures == ()


def test_every_condarc_that_conda_would_read_is_read(tmp_path: Path) -> None:
    env = home_with(
        tmp_path,
        {
            ".condarc": b"channels:\n  - https://mirror.example/simple\n  - defaults\nssl_verify: false\n",
            ".conda/condarc": b"channels: conda-forge\n",
            ".conda/condarc.d/10.yml": b"default_channels: [https://a.example/main]\n",
            ".conda/condarc.d/readme.txt": b"not read",
        },
    )
    found = {Path(c.path).name: c for c in posix(env, Scripted({})).value.condarcs}
    assert found[".condarc"].channels == ("https://mirror.example/simple", "defaults")
    assert found[".condarc"].ssl_verify == "false"
    assert found["condarc"].channels == ("conda-forge",)
    assert found["10.yml"].default_channels == ("https://a.example/main",)
    assert "readme.txt" not in found


def bomb() -> bytes:
    """Ten levels, each ten times the one before: ten thousand million names."""
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    return "\n".join([*lines, "channels: *a9", "<<: [*a9, *a9]"]).encode()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"channels: [a", "not YAML"),
        (b"- a\n- b\n", "not a mapping"),
        (b"!!python/object/apply:os.system ['touch pwned']\n", "not YAML"),
        (b"ssl_verify: !!python/object/apply:os.system ['touch pwned']\n", "not YAML"),
        (b"x" * 2_000_000, "2000000 bytes"),
        (bomb(), "aliases expand"),
        (b"channels: " + b"[" * 100_000, "nested deeper"),
        (b"channels: " + b"{a: " * 100_000, "nested deeper"),
        (b"channels:\n" + b"  - a\n" * 50_000, "more than 20000 values"),
        (bytes(range(256)) * 100, "not YAML"),
        ("channels: [a]".encode("utf-16"), "not YAML"),
    ],
    ids=[
        "cut off",
        "a list",
        "a tag that would run",
        "a tag within",
        "two megabytes",
        "an alias bomb",
        "deep lists",
        "deep mappings",
        "endless channels",
        "binary",
        "UTF-16",
    ],
)
def test_a_bad_condarc_is_told_and_never_run(
    tmp_path: Path, content: bytes, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "rc"
    path.write_bytes(content)
    assert problem in (read_condarc(str(path), 1_000_000).problem or "")
    assert not (tmp_path / "pwned").exists()


def test_odd_types_are_not_read_as_channels(tmp_path: Path) -> None:
    path = tmp_path / "rc"
    path.write_bytes(b"channels: [{a: b}, [c], 3, d, 2024-13-45]\nssl_verify: [false]\n")
    found = read_condarc(str(path), 1000)
    assert (found.channels, found.ssl_verify) == (("3", "d", "2024-13-45"), None)
    assert found.problem is None


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
def test_what_is_no_file_is_told_and_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / ".conda" / "condarc.d").mkdir(parents=True)
    os.mkfifo(tmp_path / ".condarc")
    (tmp_path / ".conda" / ".condarc").symlink_to(tmp_path / "nowhere")
    (tmp_path / ".conda" / "condarc").symlink_to(tmp_path / ".conda" / "condarc")
    (tmp_path / ".conda" / "condarc.d" / "x.yml").symlink_to("/dev/zero")
    env = {"HOME": str(tmp_path), "PATH": ""}
    told = {Path(c.path).name: c.problem or "" for c in posix(env, Scripted({})).value.condarcs}
    assert told[".condarc"] in ("not a file", "a link that leads nowhere")
    assert told["condarc"].startswith("cannot be read: ")
    assert told["x.yml"] == "not a file"


def test_a_condarc_with_gbk_comments_is_read(tmp_path: Path) -> None:
    path = tmp_path / "rc"
    path.write_bytes("# 清华镜像\nchannels: [defaults]\n".encode("gbk"))
    assert read_condarc(str(path), 1000).channels == ("defaults",)


def test_a_conda_in_the_current_folder_is_never_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "conda").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    env = {"PATH": ".", "HOME": str(tmp_path / "home")}
    assert posix(env, Scripted({})).value.kind is None


def test_pip_settings_from_files_and_variables(tmp_path: Path) -> None:
    env = home_with(
        tmp_path,
        {
            ".config/pip/pip.conf": b"\xef\xbb\xbf[global]\nindex-url = https://m.example/simple\n"
            b"trusted-host =\n    m.example\n    n.example\n",
            ".pip/pip.conf": b"no section\n",
        },
    )
    env["PIP_EXTRA_INDEX_URL"] = "https://u:p@x.example/simple"
    pip = probe_pip(env, TABLE, is_windows=False).value
    assert pip is not None
    assert [(v.key, v.value) for v in pip.values] == [
        ("global.index-url", "https://m.example/simple"),
        ("global.trusted-host", "m.example"),
        ("global.trusted-host", "n.example"),
        ("env.extra-index-url", "https://u:p@x.example/simple"),
    ]
    assert [Path(p.path).name for p in pip.problems] == ["pip.conf"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[http]\n\tsslverify = false\n", [("http.sslverify", "false")]),
        ("[HTTP]\n sslVerify=False # why\n", [("http.sslverify", "false")]),
        ("[http]\n\tsslVerify\n", [("http.sslverify", "true")]),
        (
            '[http "https://x.example"]\nsslverify = no\n',
            [("http.https://x.example.sslverify", "no")],
        ),
        ("[core]\nsslverify = false\n", []),
        ("[http]\n# sslverify = false\n", []),
    ],
)
def test_gits_tls_setting(tmp_path: Path, text: str, expected: List[Any]) -> None:
    env = home_with(tmp_path, {".gitconfig": text.encode("utf-8")})
    git = probe_git(env, TABLE, is_windows=False).value
    assert git is not None
    assert [(v.key, v.value) for v in git.values] == expected


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
def test_settings_of_pip_and_git_that_are_no_files_are_told(tmp_path: Path) -> None:
    (tmp_path / ".pip" / "pip.conf").mkdir(parents=True)
    os.mkfifo(tmp_path / ".gitconfig")
    env = {"HOME": str(tmp_path)}
    pip = probe_pip(env, TABLE, is_windows=False).value
    git = probe_git(env, TABLE, is_windows=False).value
    assert pip is not None
    assert git is not None
    mine = [p.reason for p in (*pip.problems, *git.problems) if str(tmp_path) in p.path]
    assert mine == ["a folder where a file belongs", "not a file"]
