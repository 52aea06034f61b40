"""Facts for sharing: nothing personal left, everything that a check reads still there."""

from __future__ import annotations

import msgspec
import pytest

from dartenv.facts.model import (
    AssetsFacts,
    Facts,
    FileAsset,
    GpuDevice,
    GpuFacts,
    HostFacts,
    ProbeFailure,
    SourceFacts,
    TargetFacts,
)
from dartenv.facts.redact import redact

FACTS = Facts(
    target=TargetFacts(
        dart_root="C:\\Users\\李明\\DART-main", python="/home/jane doe/env/bin/python"
    ),
    host=HostFacts(
        system="windows",
        release="10",
        version="10.0.19045",
        machine="amd64",
        bits=64,
        user="李明",
        hostname="LAB-PC-07",
        home="C:\\Users\\李明",
    ),
    gpu=GpuFacts(
        state="devices",
        devices=(GpuDevice(name="RTX 4090", uuid="GPU-1b2c3d4e-5f60-7182-93a4-b5c6d7e8f901"),),
    ),
    source=SourceFacts(
        root="C:\\Users\\李明\\DART-main",
        exists=True,
        is_dir=True,
        git_remote="https://ming:ghp_abcdefghijklmnopqrstuvwx@github.com/li.ming@lab.example/DART",
    ),
    assets=AssetsFacts(files=(FileAsset(id="clip", path="c:/users/李明/.cache/clip/ViT-B-32.pt"),)),
    probe_failures=(
        ProbeFailure(probe="pip", reason="proxy http://bob:hunter2@proxy:8080 password=hunter2"),
        ProbeFailure(probe="x", reason="LAB-PC-07 refused; C:\\Users\\Public\\x is fine"),
    ),
)
SECRETS = ("李明", "jane doe", "LAB-PC-07", "ghp_abc", "hunter2", "li.ming@lab", "1b2c3d4e", "bob")


@pytest.mark.parametrize("secret", SECRETS)
def test_no_secret_survives(secret: str) -> None:
    assert secret in msgspec.json.encode(FACTS).decode("utf-8")
    assert secret not in msgspec.json.encode(redact(FACTS)).decode("utf-8")


def test_one_name_becomes_one_placeholder_everywhere() -> None:
    clean = redact(FACTS)
    assert clean.host is not None
    assert clean.source is not None
    assert clean.assets is not None
    user = clean.host.user
    assert clean.target.dart_root == f"C:\\Users\\{user}\\DART-main"
    assert clean.source.root == clean.target.dart_root
    assert clean.assets.files[0].path == f"c:/users/{user}/.cache/clip/ViT-B-32.pt"


def test_what_checks_look_at_in_a_name_is_kept() -> None:
    clean = redact(FACTS)
    assert clean.host is not None
    assert clean.host.user is not None
    assert not clean.host.user.isascii()
    assert clean.target.python is not None
    assert " " in clean.target.python
    assert clean.target.python.isascii()
    assert "C:\\Users\\Public\\x is fine" in clean.probe_failures[1].reason


def test_what_was_replaced_is_listed_without_the_thing_itself() -> None:
    clean = redact(FACTS)
    kinds = {item.kind for item in clean.redactions}
    assert {"user", "host", "credentials", "serial"} <= kinds
    assert all(item.count > 0 for item in clean.redactions)


def test_redacting_twice_changes_nothing_more() -> None:
    once = redact(FACTS)
    twice = redact(once)
    assert msgspec.structs.replace(twice, redactions=()) == msgspec.structs.replace(
        once, redactions=()
    )


def test_facts_without_anything_personal_stay_as_they_are() -> None:
    facts = Facts(
        host=HostFacts(system="linux", release="6", version="#1", machine="x86_64", bits=64),
        target=TargetFacts(dart_root="/opt/dart", python="/usr/bin/python3.8"),
    )
    assert redact(facts) == facts
