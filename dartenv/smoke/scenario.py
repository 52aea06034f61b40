"""The types of a scenario, of its error table and of the stand-ins' defaults. Data only.

They are read from ``manifests/scenarios/*.toml``. Texts in braces are filled from the scenario's
values, the size's, the variant's and what the run finds out: see :func:`fill`.
"""

from __future__ import annotations

import re
from typing import Any, Dict, Mapping, Optional, Tuple, Union

import msgspec

from dartenv.errors import UsageFault

Value = Union[str, int, float]

_PLACEHOLDER = re.compile(r"\{([a-z_][a-z0-9_]*)\}")


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every part of a scenario: frozen, keyword-only, no unknown keys."""


class Need(Part, frozen=True, kw_only=True):
    """A file that the run reads and that may be missing.

    ``kind`` says what it is and, unless it is ``file``, which stand-in can be made for it:
    ``args`` (an args.yaml), ``torch-checkpoint``, ``mean-std``, ``motion``, ``smplx``, ``smplh``,
    ``clip`` (CLIP's weights, whose published hash the run is told). ``path`` is relative to the DART root, or starts with ``~``. ``check`` is the doctor
    check that speaks of this file.
    """

    id: str
    kind: str
    path: str
    check: str
    role: str = ""  # args and torch-checkpoint: "denoiser" or "vae"
    when: Dict[str, str] = {}  # needed only where these values are so
    trees: Tuple[str, ...] = ()  # needed only in these kinds of tree; empty means all
    options: Dict[str, Any] = {}  # for the maker of the stand-in


class Size(Part, frozen=True, kw_only=True):
    """How much of the scenario is run, and within which limits."""

    time_limit: float  # seconds, for one run
    memory_limit: int  # bytes, resident, of the whole process tree
    values: Dict[str, Value] = {}


class Variant(Part, frozen=True, kw_only=True):
    """One way to run the scenario; all of a scenario's variants for the kind of tree are run."""

    id: str
    values: Dict[str, Value] = {}
    trees: Tuple[str, ...] = ()  # in these kinds of tree alone; empty means all


class Drive(Part, frozen=True, kw_only=True):
    """How an interactive program is driven through its prompt, and where that is written.

    A line of ``prompts`` is given once ``frames`` frames were shown since the one before; it may
    take ``limit`` seconds until they are. ``out`` is relative to the denoiser's folder.
    """

    prompts: Tuple[str, ...]
    frames: int
    limit: float
    out: str


class Repeat(Part, frozen=True, kw_only=True):
    """The same seed again, with these values: the frames that both runs have must be the same."""

    values: Dict[str, Value] = {}
    variants: Tuple[str, ...] = ()  # repeated for these variants alone; empty means all
    sizes: Tuple[str, ...] = ()


class Trend(Part, frozen=True, kw_only=True):
    """A metric that is followed from night to night, and what counts as worse.

    ``min_change`` is a share of the usual value, ``floor`` is in ``unit``.
    """

    metric: str
    unit: str = ""
    better: str = "lower"  # or "higher"
    min_change: float = 0.1
    floor: float = 0.0


class Outputs(Part, frozen=True, kw_only=True):
    """What the run writes, as a pattern relative to the denoiser checkpoint's folder.

    ``frames`` is ``primitives`` (history + future x primitives), ``goal`` (as many as the goal
    sequence has) or ``any``. ``shapes`` and ``export_shapes`` give each array's shape, 0 standing for the
    number of frames.
    """

    samples: str
    count: str
    keys: Tuple[str, ...]
    frames: str = "primitives"
    shapes: Dict[str, Tuple[int, ...]] = {}
    exports: Optional[str] = None
    export_shapes: Dict[str, Tuple[int, ...]] = {}
    exports_when: Dict[str, str] = {}
    goal: Optional[str] = None  # the written sequence whose last frame is the goal


class Judge(Part, frozen=True, kw_only=True):
    """A threshold on one measured number, taken as the worst over the samples.

    ``genuine`` judges speak of motion quality, which stand-in weights cannot have: with any
    stand-in their number is shown and not judged.
    """

    name: str
    metric: str
    unit: str = ""
    max: Optional[float] = None
    min: Optional[float] = None
    genuine: bool = False
    sizes: Tuple[str, ...] = ()  # judged only in these sizes; empty means all
    variants: Tuple[str, ...] = ()  # of these variants alone; empty means all
    trees: Tuple[str, ...] = ()  # in these kinds of tree alone; empty means all
    source: str = ""  # where the threshold comes from
    check: str = ""  # the doctor check to look at when it does not hold
    detail: str = ""


class Mirror(Part, frozen=True, kw_only=True):
    """What of the tree goes into the shadow workspace."""

    skip_dirs: Tuple[str, ...] = ()  # folder names, anywhere
    data_dirs: Tuple[str, ...] = ()  # folders at the root of which only the needs are taken
    suffixes: Tuple[str, ...] = ()  # of the files taken; the empty text is "no suffix"
    copy_limit: int = 8_000_000  # bytes; larger files are linked
    longest: int = 0  # characters of the longest path that the program writes below its root


class OrtCase(Part, frozen=True, kw_only=True):
    """One way of DART's to sample that exported models are held against.

    ``count`` primitives in a row; a text in braces is a value of the size.
    """

    name: str
    respacing: str
    batch: int
    predicted: bool
    count: str


class OrtSpec(Part, frozen=True, kw_only=True):
    """Export and ONNX Runtime in place of a program: what is held against what, and how far off
    it may be.

    ``prompts`` follow each other over a case, each for as many primitives. ``primitive``: metres
    and entries of rotation matrices after one primitive; ``loop`` metres after all of a case.
    ``providers`` by device.
    """

    prompts: Tuple[str, ...]
    motion: str
    primitive: float
    loop: float
    providers: Dict[str, Tuple[str, ...]]
    cases: Tuple[OrtCase, ...]
    source: str


class Scenario(Part, frozen=True, kw_only=True):
    """One smoke test. With ``ort`` no program of DART's is run, but its functions."""

    id: str
    title: str
    source: str
    module: str
    args: Tuple[str, ...]
    denoiser_checkpoint: str
    unit: str  # what one step of its progress bar is: "primitives", "steps"
    outputs: Outputs
    sizes: Dict[str, Size]
    needs: Tuple[Need, ...]
    mirror: Mirror
    judges: Tuple[Judge, ...] = ()
    trends: Tuple[Trend, ...] = ()
    repeat: Optional[Repeat] = None
    drive: Optional[Drive] = None
    display: Tuple[str, ...] = ()  # kinds of tree in which it opens a window
    values: Dict[str, Value] = {}
    variants: Tuple[Variant, ...] = (Variant(id=""),)
    env: Dict[str, str] = {}
    tree_env: Dict[str, Dict[str, str]] = {}  # more variables in one kind of tree
    clip_name: str = ""  # as the program asks for it
    data_paths_module: str = ""  # the module that says where the body models are
    data_paths_name: str = ""
    parents: Tuple[int, ...] = ()  # of the written joints
    fps: float = 30.0
    why: str = ""
    ort: Optional[OrtSpec] = None

    def variants_for(self, tree: str) -> Tuple[Variant, ...]:
        """The variants that are run in this kind of tree."""
        return tuple(v for v in self.variants if not v.trees or tree in v.trees)

    def repeats(self, variant: str, size: str) -> bool:
        """Whether this variant is run a second time in this size."""
        wanted = self.repeat
        return (
            wanted is not None
            and (not wanted.variants or variant in wanted.variants)
            and (not wanted.sizes or size in wanted.sizes)
        )

    def size(self, name: str) -> Size:
        """The size ``name``; UsageFault with the known ones otherwise."""
        if name not in self.sizes:
            raise UsageFault(f"scenario {self.id} has no size {name!r}", ", ".join(self.sizes))
        return self.sizes[name]


class ErrorRule(Part, frozen=True, kw_only=True):
    """One kind of failure: a pattern in the log, the check it belongs to, and a sentence.

    Named groups of the pattern can be used in the sentence. ``anywhere`` rules look at the whole
    end of the log, the others only at the last exception.
    """

    id: str
    pattern: str
    check: str
    sentence: str
    anywhere: bool = False


class ErrorTable(Part, frozen=True, kw_only=True):
    """How the last error of a log is understood; the first rule that fits wins."""

    id: str
    rules: Tuple[ErrorRule, ...]


class StandInDefaults(Part, frozen=True, kw_only=True):
    """What stand-ins look like where nothing on the machine says so."""

    id: str
    layout: int  # raised whenever stand-ins of this version differ from those kept before
    args: Dict[str, str]  # role -> text of an args.yaml
    options: Dict[str, Dict[str, Any]] = {}  # kind -> options of its maker
    scales: Dict[str, Dict[str, float]] = {}  # role -> part of a name -> deviation


def fill(text: str, values: Mapping[str, Value]) -> str:
    """``text`` with each ``{name}`` replaced; other braces stay as they are.

    Raises UsageFault for a name without a value.
    """

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in values:
            raise UsageFault(
                f"scenario text {text!r}: no value for {{{name}}}", ", ".join(sorted(values))
            )
        return str(values[name])

    return _PLACEHOLDER.sub(value, text)


def holds(when: Mapping[str, str], values: Mapping[str, Value]) -> bool:
    """Whether every value that ``when`` names is as it says."""
    return all(str(values.get(name, "")) == wanted for name, wanted in when.items())
