"""Registry values: against a dictionary everywhere, against winreg on Windows."""

from __future__ import annotations

import os
import uuid

import pytest

from dartenv.fixes.acts import Hands
from dartenv.fixes.steps import RegistryValue, SetRegistryValue
from dartenv.fixes.undo import UndoRefused
from dartenv.fixes.winreg_api import default_registry

HIVE = "HKEY_CURRENT_USER"


class Dictionary:
    """A registry in memory."""

    def __init__(self):
        self.values = {}
        self.keys = {"Software"}

    def get(self, hive, key, name):
        return self.values.get((key, name))

    def set(self, hive, key, name, value):
        parts = key.split("\\")
        self.keys.update("\\".join(parts[:n]) for n in range(1, len(parts) + 1))
        self.values[key, name] = value

    def delete(self, hive, key, name):
        self.values.pop((key, name), None)

    def missing_keys(self, hive, key):
        parts = key.split("\\")
        paths = ("\\".join(parts[:n]) for n in range(1, len(parts) + 1))
        return tuple(path for path in paths if path not in self.keys)

    def delete_empty_key(self, hive, key):
        values = any(k == key for k, _ in self.values)
        keys = any(k.startswith(key + "\\") for k in self.keys)
        if not values and not keys:
            self.keys.discard(key)


@pytest.fixture(params=["dictionary", "winreg"])
def registry(request):
    if request.param == "dictionary":
        return Dictionary()
    found = default_registry()
    if found is None:
        pytest.skip("no registry on this system")
    return found


@pytest.fixture
def key():
    return f"Software\\dartenv-test-{uuid.uuid4().hex}\\inner"


def step(key, value):
    return SetRegistryValue(
        id="r",
        fixes=("host.long-paths",),
        reason="",
        hive=HIVE,
        key=key,
        name="LongPathsEnabled",
        value=value,
    )


VALUES = [
    RegistryValue(type=4, number=1),
    RegistryValue(type=1, text="C:\\路径"),
    RegistryValue(type=2, text="%PATH%;x"),
    RegistryValue(type=7, texts=("a", "b")),
    RegistryValue(type=3, raw=b"\x00\xff"),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: str(value.type))
def test_a_new_value_goes_with_the_keys_it_made(bench, registry, key, value):
    hands = Hands(registry=registry)
    bench.apply(step(key, value), hands=hands)
    assert registry.get(HIVE, key, "LongPathsEnabled") == value
    bench.undo(hands=hands)
    assert registry.get(HIVE, key, "LongPathsEnabled") is None
    assert registry.missing_keys(HIVE, key) == (key.rsplit("\\", 1)[0], key)


@pytest.mark.parametrize("old", VALUES, ids=lambda value: str(value.type))
def test_the_old_value_of_any_type_comes_back(bench, registry, key, old):
    hands = Hands(registry=registry)
    registry.set(HIVE, key, "LongPathsEnabled", old)
    try:
        bench.apply(step(key, RegistryValue(type=4, number=7)), hands=hands)
        bench.undo(hands=hands)
        assert registry.get(HIVE, key, "LongPathsEnabled") == old
    finally:
        registry.delete(HIVE, key, "LongPathsEnabled")
        registry.delete_empty_key(HIVE, key)
        registry.delete_empty_key(HIVE, key.rsplit("\\", 1)[0])


def test_a_value_changed_since_is_shown_in_three_versions(bench):
    registry = Dictionary()
    registry.set(HIVE, "Software\\k", "LongPathsEnabled", RegistryValue(type=4, number=0))
    hands = Hands(registry=registry)
    bench.apply(step("Software\\k", RegistryValue(type=4, number=1)), hands=hands)
    registry.set(HIVE, "Software\\k", "LongPathsEnabled", RegistryValue(type=4, number=5))
    with pytest.raises(UndoRefused) as caught:
        bench.undo(hands=hands)
    (conflict,) = caught.value.conflicts
    assert (conflict.before, conflict.wrote, conflict.now) == (b"0", b"1", b"5")
    assert registry.get(HIVE, "Software\\k", "LongPathsEnabled").number == 5


@pytest.mark.skipif(os.name == "nt", reason="there is one on Windows")
def test_there_is_no_registry_elsewhere():
    assert default_registry() is None
