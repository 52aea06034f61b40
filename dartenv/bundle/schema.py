"""bundle.json's JSON Schema, for hosts that are not written in Python.

``python -m dartenv.bundle.schema`` prints it; bundle.schema.json beside this file is its output.
"""

from __future__ import annotations

import sys
from typing import Any, Dict

import msgspec

from dartenv.bundle.contract import BUNDLE_SCHEMA, Bundle
from dartenv.schema import schema_of


def bundle_schema() -> Dict[str, Any]:
    """The schema of :class:`Bundle`: fields that a newer dartenv added are allowed."""
    return schema_of(Bundle, f"dartenv bundle.json, schema {BUNDLE_SCHEMA}")


def main() -> None:
    """Print the schema."""
    data = msgspec.json.format(msgspec.json.encode(bundle_schema()), indent=1)
    sys.stdout.write(data.decode("utf-8") + "\n")


if __name__ == "__main__":
    main()
