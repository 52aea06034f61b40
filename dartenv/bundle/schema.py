"""bundle.json's JSON Schema, for hosts that are not written in Python.

``python -m dartenv.bundle.schema`` prints it; bundle.schema.json beside this file is its output.
"""

from __future__ import annotations

import sys
from typing import Any, Dict

import msgspec

from dartenv.bundle.contract import BUNDLE_SCHEMA, Bundle

DIALECT = "https://json-schema.org/draft/2020-12/schema"  # the dialect's name, not a place to fetch


def bundle_schema() -> Dict[str, Any]:
    """The schema of :class:`Bundle`: fields that a newer dartenv added are allowed."""
    head = {"$schema": DIALECT, "title": f"dartenv bundle.json, schema {BUNDLE_SCHEMA}"}
    return {**head, **msgspec.json.schema(Bundle)}


def main() -> None:
    """Print the schema."""
    data = msgspec.json.format(msgspec.json.encode(bundle_schema()), indent=1)
    sys.stdout.write(data.decode("utf-8") + "\n")


if __name__ == "__main__":
    main()
