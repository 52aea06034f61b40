"""Schemas: the same from every msgspec and Python, whatever these do to docstrings."""

from __future__ import annotations

from typing import Any, Dict

import msgspec
import pytest

from dartenv.schema import DIALECT, schema_of


class Part(msgspec.Struct):
    """Only a name: what msgspec makes of it is given below."""


STRING, NULL = {"type": "string"}, {"type": "null"}
EXPECTED = {
    "$schema": DIALECT,
    "title": "a part",
    "$ref": "#/$defs/Part",
    "$defs": {
        "Part": {
            "description": "One part\nof the whole.",
            "properties": {"name": {"anyOf": [NULL, STRING], "default": None}},
        }
    },
}


@pytest.mark.parametrize("description", ["One part\n    of the whole.", "One part\nof the whole."])
@pytest.mark.parametrize("options", [[STRING, NULL], [NULL, STRING]])
def test_every_version_says_the_same(
    description: str, options: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    part: Dict[str, Any] = {
        "description": description,
        "properties": {"name": {"anyOf": options, "default": None}},
    }
    made = {"$ref": "#/$defs/Part", "$defs": {"Part": part}}
    monkeypatch.setattr(msgspec.json, "schema", lambda kind: made)
    assert schema_of(Part, "a part") == EXPECTED
