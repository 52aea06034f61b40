"""Facts of the target interpreter: its packages, and what imports in it."""

from __future__ import annotations

from typing import Dict, Optional, Tuple

from dartenv.facts.model_base import Struct


class DistributionFacts(Struct, frozen=True, kw_only=True):
    """One installed distribution, by its metadata."""

    name: str  # normalised
    version: str
    location: Optional[str] = None
    requires: Tuple[str, ...] = ()
    top_level: Tuple[str, ...] = ()
    tags: Tuple[str, ...] = ()  # wheel tags
    direct_url: Optional[str] = None  # "git+https://...@commit"
    editable: bool = False
    build: Optional[str] = None  # conda's build string, "py38_cu118_pyt210"
    extensions: Tuple[str, ...] = ()  # compiled modules, "pytorch3d/_C.cp38-win_amd64.pyd"
    problem: Optional[str] = None  # broken metadata, said plainly


class ModuleFacts(Struct, frozen=True, kw_only=True):
    """A module found by its place, without importing it.

    Reported for the modules that ``compat/modules.toml`` names and for every importable name that
    belongs to no distribution (a folder on PYTHONPATH, say).
    """

    name: str
    path: str  # the package's folder or the module's file
    distribution: Optional[str] = None  # normalised name of the owner, if any
    extensions: Tuple[str, ...] = ()  # compiled modules, as in DistributionFacts
    constants: Dict[str, str] = {}  # literals read from its source: "cuda" -> "11.8" or "None"
    words: Tuple[str, ...] = ()  # words of interest that its source holds
    problem: Optional[str] = None


class DllFacts(Struct, frozen=True, kw_only=True):
    """A CUDA or cuDNN library seen by name."""

    name: str
    path: str
    owner: Optional[str] = None  # distribution or folder


class InterpreterFacts(Struct, frozen=True, kw_only=True):
    """The target interpreter, asked in a child process."""

    executable: str
    version: str  # "3.8.8"
    implementation: str = "cpython"
    bits: int = 64
    prefix: Optional[str] = None
    base_prefix: Optional[str] = None
    platform: Optional[str] = None  # "win-amd64", "linux-x86_64"
    abi: Optional[str] = None
    tags: Tuple[str, ...] = ()  # few first of packaging-style tags
    environment: Optional[str] = None  # "conda dart", "venv .venv", "base"
    conda_prefix: Optional[str] = None
    in_venv: Optional[bool] = None
    user_site_enabled: Optional[bool] = None
    user_site_packages: Tuple[str, ...] = ()  # distributions that come from the user site
    env: Dict[str, str] = {}  # PYTHONPATH, PYTHONHOME, PYTHONNOUSERSITE, PYTHONUTF8
    activation: Dict[str, str] = {}  # what dartenv's scripts set in new shells of the environment
    sitecustomize: Optional[str] = None
    markers: Dict[str, str] = {}  # PEP 508 marker environment
    distributions: Tuple[DistributionFacts, ...] = ()  # in the order of sys.path
    modules: Tuple[ModuleFacts, ...] = ()
    dlls: Tuple[DllFacts, ...] = ()
    unreadable: Tuple[str, ...] = ()  # folders of sys.path whose packages could not be told


class ImportResult(Struct, frozen=True, kw_only=True):
    """One deep import in its own child process."""

    name: str
    ok: bool
    seconds: Optional[float] = None
    error: Optional[str] = None  # last line of the traceback
    error_type: Optional[str] = None
    module: Optional[str] = None  # the import that failed, hung or crashed
    outcome: str = "ok"  # "ok", "error", "crash", "timeout", "missing"
    details: Dict[str, str] = {}


class ImportsFacts(Struct, frozen=True, kw_only=True):
    """Deep imports, by check id."""

    results: Tuple[ImportResult, ...] = ()
