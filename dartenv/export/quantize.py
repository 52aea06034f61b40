"""Adding reduced precisions to a bundle that is there, from its own full-precision files."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

import filelock
import msgspec
import numpy as np
import onnx

from dartenv.bundle.contract import FULL, PRECISIONS, Bundle, Model, ModelFile, Refused
from dartenv.bundle.files import (
    bundle_files,
    bundle_json,
    file_path,
    load_bundle,
    save_bundle,
    verify,
)
from dartenv.cache import cache_folder
from dartenv.errors import UsageFault
from dartenv.export.bundle import Exported
from dartenv.export.conditions import of_bundle
from dartenv.export.prompts import ClipTexts, texts_of_bundle
from dartenv.export.writer import FORMATS, VARIANTS, ExportOptions, FileWriter, Say, check_names
from dartenv.manifests.loader import Manifests
from dartenv.model.diffusion import Sampler

REDUCED = tuple(precision for precision in PRECISIONS if precision not in FULL)


def quantize_bundle(
    folder: Path, options: ExportOptions, manifests: Manifests, say: Say = lambda text: None
) -> Exported:
    """Add the reduced files that are not there yet to the bundle in ``folder``.

    New files come first and bundle.json last, in one step: until then the bundle is as it was.
    Raises UsageFault: no bundle, a file of it that is missing or was changed after export, a model
    without a full-precision .onnx file, a precision that is none.
    """
    bundle = load_bundle(folder)
    _check(options, bundle)
    say("holding the files against their hashes")
    verify(folder, bundle_files(bundle))
    writer = BundleWriter(bundle, bundle_json(folder).parent, options, manifests, say)
    try:
        made = _made(bundle, writer)
        if made != bundle:
            save_bundle(made, folder)
    except BaseException:
        _take_back(folder, writer.new)
        raise
    if writer.kept:
        writer.notes.append("there already, left as they are: " + ", ".join(writer.kept))
    added = [path.name for path in writer.new]
    return Exported(made, folder, writer.refused, writer.notes, added)


def _take_back(folder: Path, new: Sequence[Path]) -> None:
    """Remove the files that bundle.json does not name; it may name them where Ctrl-C came last."""
    named = {file.path for file in bundle_files(load_bundle(folder))}
    for path in new:
        if path.name not in named:
            path.unlink()


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One at a time for a bundle: of two, the later bundle.json would not know the other's files.

    The lock is the operating system's, on a file outside the bundle. Raises UsageFault.
    """
    place = os.path.realpath(str(bundle_json(folder).parent))
    name = hashlib.sha256(place.encode("utf-8", "replace")).hexdigest()[:16]
    locks = cache_folder() / "locks"
    lock = filelock.FileLock(str(locks / f"{name}.lock"))
    try:
        locks.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise UsageFault(
            f"another dartenv is at work on {folder}", help="wait for it to end, then run again"
        ) from None
    except OSError as error:
        raise UsageFault(
            f"cannot lock {locks}: {error.strerror or error}", "a folder that can be written"
        ) from None
    try:
        yield
    finally:
        lock.release()


def _made(bundle: Bundle, writer: BundleWriter) -> Bundle:
    models = [writer.model(model) for model in bundle.models]
    if not writer.found:
        raise UsageFault(
            f"{writer.out}: no full-precision .onnx file of the models and variants asked for",
            "fp32 files, which reduced ones are made from and held against",
            "dartenv export --precision fp32",
        )
    refused = _refused(bundle, writer.refused, models)
    return msgspec.structs.replace(bundle, models=models, refused=refused)


class BundleWriter(FileWriter):
    """Reduces the models of ``bundle`` one after the other."""

    def __init__(
        self, bundle: Bundle, folder: Path, options: ExportOptions, manifests: Manifests, say: Say
    ) -> None:
        super().__init__(of_bundle(bundle), folder, options, manifests, say, _sampler(bundle))
        self.bundle = bundle
        self.found = False
        self.kept: List[str] = []
        self._clip: Optional[ClipTexts] = None

    def model(self, model: Model) -> Model:
        """``model`` with the files that were added."""
        if self.options.models and model.name not in self.options.models:
            return model
        added: List[ModelFile] = []
        for variant in self.options.variants:
            contrib = variant == "desktop"
            file = _full(model, portable=not contrib)
            if file is None:
                self.notes.append(f"{model.name}, {variant}: no fp32 .onnx file to reduce")
                continue
            self.found = True
            wanted = self._missing(model, contrib)
            if wanted:
                full = _load(file_path(self.out, file))
                added += self.reduced(model.name, full, wanted, contrib)
        return msgspec.structs.replace(model, files=[*model.files, *added])

    def _missing(self, model: Model, contrib: bool) -> List[str]:
        """The precisions that are to be made; one that is there in any format stays as it is."""
        wanted = []
        for precision in (p for p in PRECISIONS if p in self.options.precisions):
            there = [
                f.path
                for f in model.files
                if f.precision == precision and f.portable is not contrib
            ]
            if there:
                self.kept += there
            else:
                wanted.append(precision)
        return wanted

    def clip(self) -> Optional[ClipTexts]:
        file = self._full_file("clip_text")
        if self._clip is None and file is not None:
            self._clip = texts_of_bundle(self.bundle, self.out, file_path(self.out, file))
        return self._clip

    def full_primitive(self) -> Optional[Any]:
        file = self._full_file("primitive")
        return None if file is None else _load(file_path(self.out, file))

    def _full_file(self, name: str) -> Optional[ModelFile]:
        """The model in full precision, of either variant."""
        model = self.bundle.model(name)
        if model is None:
            return None
        return _full(model, portable=False) or _full(model, portable=True)


def _check(options: ExportOptions, bundle: Bundle) -> None:
    check_names(options.precisions, REDUCED, "precision")
    check_names(options.variants, VARIANTS, "variant")
    check_names(options.formats, FORMATS, "format")
    check_names(options.models, [model.name for model in bundle.models], "model")


def _sampler(bundle: Bundle) -> Sampler:
    """The sampler that the files use."""
    found = bundle.sampler()
    if found is None:
        raise UsageFault(f"bundle.json: no schedule is named {bundle.schedule!r}", "one of its own")
    table = np.array(found.coefficients, dtype=np.float64)
    return Sampler(found.name, found.respacing, tuple(found.timesteps), table)


def _full(model: Model, portable: bool) -> Optional[ModelFile]:
    return next(
        (
            file
            for file in model.files
            if (file.precision, file.format, file.portable) == ("fp32", "onnx", portable)
        ),
        None,
    )


def _load(path: Path) -> Any:
    try:
        return onnx.load(str(path))
    except Exception as error:  # protobuf's own errors have no common base
        raise UsageFault(f"{path}: {error}", "an ONNX model of dartenv export") from None


Key = Tuple[str, str, bool]


def _refused(bundle: Bundle, new: Sequence[Refused], models: Sequence[Model]) -> List[Refused]:
    """What is not there because of the gate: now, and from before where nothing changed it."""
    there = {(m.name, f.precision, f.portable) for m in models for f in m.files}
    found: Dict[Key, Refused] = {}
    for one in (*bundle.refused, *new):
        key = (one.model, one.precision, one.portable)
        if key not in there:
            found[key] = one
    return list(found.values())
