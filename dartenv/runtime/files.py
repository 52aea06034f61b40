"""Which files of a bundle are used, and whether they are as they were exported."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import List, Optional

from dartenv.bundle.contract import FULL, Bundle, Model, ModelFile
from dartenv.bundle.files import BundleFile, verify
from dartenv.errors import UsageFault


class Check:
    """Holds files against their hashes beside the loading, on a thread of its own."""

    def __init__(self, folder: Path, files: List[BundleFile]) -> None:
        self._fault: Optional[BaseException] = None
        self._thread = threading.Thread(target=self._run, args=(folder, files), daemon=True)
        self._thread.start()

    def _run(self, folder: Path, files: List[BundleFile]) -> None:
        try:
            verify(folder, files)
        except BaseException as fault:
            self._fault = fault

    def passed(self) -> None:
        """Return when all files are as they were exported. Raises UsageFault naming one that is not."""
        self._thread.join()
        if self._fault is not None:
            raise self._fault


def model_of(bundle: Bundle, name: str, folder: Path) -> Model:
    """The model of that name. Raises UsageFault where the bundle has none."""
    found = bundle.model(name)
    if found is None:
        known = ", ".join(model.name for model in bundle.models) or "no models"
        raise UsageFault(
            f"{folder}: the bundle has no {name} (it has {known})",
            f"{name}",
            f"dartenv export --model {name}",
        )
    return found


def file_of(model: Model, precision: str, portable: bool, folder: Path) -> ModelFile:
    """The file of that precision and variant; .onnx before .ort, which loads no sooner.

    Raises UsageFault where there is none.
    """
    fitting = [f for f in model.files if f.precision == precision and f.portable == portable]
    if not fitting and not portable:
        fitting = [f for f in model.files if f.precision == precision]
    if not fitting:
        there = sorted({f.precision for f in model.files})
        raise UsageFault(
            f"{folder}: {model.name} is there as {', '.join(there) or 'nothing'}",
            f"{precision}{', portable' if portable else ''}",
            f"dartenv export --precision {precision}"
            if precision in FULL
            else f"dartenv quantize {folder} --precision {precision}",
        )
    return min(fitting, key=lambda f: f.format != "onnx")


def text_file_of(model: Model, precision: str, portable: bool, folder: Path) -> ModelFile:
    """As ``file_of``; a bundle whose text model missed the gate has it in full precision."""
    try:
        return file_of(model, precision, portable, folder)
    except UsageFault:
        return file_of(model, "fp32", portable, folder)
