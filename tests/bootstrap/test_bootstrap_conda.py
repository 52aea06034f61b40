"""The conda backend on a real engine: conda packages are solved, fetched and linked by rattler.

conda itself comes from no Python index. What stands in its place (``conda_shim.py``) takes the very
commands that dartenv gives to conda; the channel is made here, of this machine's own Python.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Dict, List

import pytest

from dartenv.target import environment_python
from tests.bootstrap.conda_channel import MINOR, VERSION, make_channel
from tests.bootstrap.conftest import Tiny
from tests.bootstrap.test_bootstrap_whole import elsewhere

pytestmark = [
    pytest.mark.skipif(
        not sys.platform.startswith("linux"),
        reason="the channel is made of a Linux Python's folders",
    ),
    elsewhere,
]
SHIM = Path(__file__).with_name("conda_shim.py")
ASKED = ["--override-channels", "-c", "conda-forge"]


class CondaMachine(Tiny):
    """A machine whose only way to a Python is a conda."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.programs = folder / "programs"
        self.programs.mkdir()
        self.asked = folder / "asked.txt"
        self.conda("conda")

    def conda(self, name: str) -> None:
        """Put a program of that name on PATH, which writes down what it is asked."""
        program = self.programs / name
        channels = self.base / "channels"
        text = f"#!/bin/sh\nprintf '%s\\n' \"$*\" >> '{self.asked}'\n"
        text += f"exec '{sys.executable}' '{SHIM}' '{channels}' \"$@\"\n"
        program.write_text(text, encoding="utf-8")
        program.chmod(0o755)

    def command(self, *options: str) -> List[str]:
        """The same as of any machine, by conda, and with a version instead of an interpreter."""
        command = super().command("--backend", "conda", "--python", MINOR, *options)
        return command

    @property
    def env(self) -> Dict[str, str]:
        """conda comes first on PATH; what the user set for their own conda does not count."""
        kept = {key: value for key, value in super().env.items() if "CONDA" not in key}
        return {**kept, "PATH": os.pathsep.join([str(self.programs), os.environ["PATH"]])}

    def dartenv(self, *words: str) -> subprocess.CompletedProcess:
        """Another command of dartenv on this machine."""
        return self.start([sys.executable, "-m", "dartenv", *words])

    def creations(self) -> List[str]:
        """What conda was asked to make."""
        lines = self.asked.read_text(encoding="utf-8").splitlines()
        return [line for line in lines if line.startswith("create")]


@pytest.fixture(scope="module")
def channels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``conda-forge`` as a folder."""
    pytest.importorskip("rattler", reason="py-rattler, the engine, is not installed")
    from rattler.index import index_fs

    folder = tmp_path_factory.mktemp("channels")
    asyncio.run(index_fs(make_channel(folder / "conda-forge")))
    return folder


@pytest.fixture
def machine(tmp_path: Path, channels: Path) -> CondaMachine:
    """With the channel at hand."""
    made = CondaMachine(tmp_path)
    (tmp_path / "channels").symlink_to(channels)
    return made


def test_killed_while_conda_links_then_whole_then_back(machine: CondaMachine) -> None:
    prefix = machine.folder / "env"
    machine.killed(lambda _: (prefix / "lib").is_dir())
    done = machine.run()
    said = done.stdout.decode("utf-8", "replace")
    assert done.returncode == 0, said
    asked = " ".join(["create --yes -p", str(prefix), *ASKED, f"python={MINOR}", "pip"])
    assert machine.creations() == [asked, asked]
    python = environment_python(prefix)
    assert python is not None
    script = "import json, left_hand, sys, sysconfig;"
    script += "print(json.dumps([sys.prefix, sys.base_prefix, sysconfig.get_config_var('prefix')]))"
    prefixes = json.loads(subprocess.check_output([str(python), "-c", script]))
    assert prefixes == [str(prefix)] * 3  # an environment of its own, not one beside a Python
    linked = sorted(path.name.split("-")[0] for path in (prefix / "conda-meta").glob("*.json"))
    assert linked == ["pip", "python"]

    report = machine.dartenv(
        *("doctor", "--python", str(python), "--manifests", str(machine.manifests)),
        *("--profile", "tiny", "--format", "json", "--select", "python"),
    )
    assert f"Python {VERSION}" in report.stdout.decode("utf-8", "replace")
    assert "conda env" in report.stdout.decode("utf-8", "replace")

    again = machine.run("--format", "json")
    assert again.returncode == 0
    assert len(machine.creations()) == 2

    for _ in range(20):  # every stage is a run of the journal
        if machine.dartenv("fix", "--undo").returncode != 0:
            break
    assert not prefix.exists()


def test_a_python_that_the_channel_lacks_is_named_and_nothing_stays(machine: CondaMachine) -> None:
    (machine.base / "channels").unlink()
    (machine.base / "channels" / "conda-forge").mkdir(parents=True)
    for name in ("linux-64", "noarch"):
        folder = machine.base / "channels" / "conda-forge" / name
        folder.mkdir()
        folder.joinpath("repodata.json").write_text(
            json.dumps({"info": {"subdir": name}, "packages": {}}), encoding="utf-8"
        )
    done = machine.run()
    said = " ".join(done.stdout.decode("utf-8", "replace").split())
    assert done.returncode == 4, said
    assert "Stopped: environment" in said
    assert f"No channel has python={MINOR}" in said
    assert "conda config --show channels" in said
    assert not (machine.folder / "env").exists()
