"""bundle.schema.json: the same as the types, and what a real bundle follows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict

import msgspec
import pytest

import dartenv.bundle.schema as schema
from dartenv.bundle.contract import Bundle

FILE = Path(schema.__file__).with_name("bundle.schema.json")
PAGE = Path(__file__).resolve().parents[2] / "docs" / "bundle.md"


def test_the_file_is_what_the_types_say():
    kept = json.loads(FILE.read_text(encoding="utf-8"))
    assert kept == schema.bundle_schema(), "write it anew: python -m dartenv.bundle.schema"


@pytest.fixture
def real(tmp_path: Path) -> Dict[str, Any]:
    """bundle.json of the sandbox, exported here."""
    pytest.importorskip("numpy")
    pytest.importorskip("onnx")
    from dartenv.export.bundle import export_bundle
    from dartenv.export.writer import ExportOptions
    from dartenv.manifests.loader import Manifests
    from dartenv.model.source import Places, read_source

    root = Path(__file__).resolve().parents[2] / "dartenv" / "sandbox" / "project"
    checkpoint = root / "mld_denoiser/mld_sandbox/checkpoint_4000.pt"
    places = Places(checkpoint, root / "data/sandbox-models", {"": "data/stand.pkl"}, None)
    options = ExportOptions(models=("denoiser",), precisions=("fp32",), check=False)
    export_bundle(read_source(root, places), tmp_path, "sandbox", options, Manifests())
    data: Dict[str, Any] = json.loads((tmp_path / "bundle.json").read_text(encoding="utf-8"))
    return data


def test_a_real_bundle_follows_it_and_broken_ones_do_not(real):
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(json.loads(FILE.read_text(encoding="utf-8")))
    assert not list(validator.iter_errors(real))
    assert not list(validator.iter_errors({**real, "added_later": 1}))
    for name in ("kind", "skeleton", "schedules", "models"):
        broken = {key: value for key, value in real.items() if key != name}
        assert list(validator.iter_errors(broken)), name
    real["models"][0]["inputs"][0]["dtype"] = "float31"
    assert list(validator.iter_errors(real))
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(real, Bundle)


def test_the_page_names_every_field_tensor_and_feature():
    pytest.importorskip("numpy")
    pytest.importorskip("onnx")
    from dartenv.export.describe import FEATURES, TENSORS

    text = PAGE.read_text(encoding="utf-8")
    names = [field for field in Bundle.__struct_fields__ if field != "created_with"]
    missing = [name for name in [*names, *TENSORS, *FEATURES] if f"`{name}`" not in text]
    assert missing == []
