"""DART's args.yaml as plain data.

DART writes it as ``yaml.dump(tyro.extras.to_yaml(args))``: a YAML file that holds one string,
whose content is YAML again, with tags such as ``!dataclass:MLDArgs`` and
``!!python/object/apply:pathlib.PosixPath``. DART's own loader runs those tags; here they become
data, and a tag that would run something else is only listed.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Dict, List, Optional, Tuple, Type, TypeVar, Union

from dartenv.assets.sniff import is_html, os_reason
from dartenv.assets.yaml_data import Tagged, YamlFault, load_yaml
from dartenv.errors import UsageFault

MAX_BYTES = 128 * 1024

# tyro writes "!dataclass:" and the class name; these three are DART's top classes.
_KINDS = {"MLDArgs": "denoiser", "Args": "vae", "ReachLocationArgs": "policy"}
_DATACLASS = "!dataclass:"
_PATH_TYPES = ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath", "Path")

T = TypeVar("T")


class ArgsFault(UsageFault):
    """An args.yaml that cannot be read, or lacks a value; exit code 2."""


@dataclass(frozen=True)
class DartArgs:
    """One args.yaml.

    ``kind`` is ``denoiser``, ``vae``, ``policy`` or ``None`` (another tyro or plain file);
    ``class_name`` the top dataclass as tagged; ``classes`` the tagged class of each dotted key;
    ``data`` the values with tags taken off: mappings, lists, tuples, scalars, and
    ``PurePosixPath`` for tagged paths.
    """

    source: str
    kind: Optional[str]
    class_name: Optional[str]
    data: Dict[str, Any]
    classes: Dict[str, str] = field(default_factory=dict)
    posixpath: Tuple[str, ...] = ()  # dotted keys whose value is tagged as a PosixPath
    windowspath: Tuple[str, ...] = ()
    foreign_tags: Tuple[str, ...] = ()  # tags DART's own loader would run, beyond the known ones
    wrapped: bool = False  # the usual form: YAML inside a YAML string

    def get(self, dotted: str, default: Any = None) -> Any:
        """The value at ``a.b.c``, or ``default``."""
        value: Any = self.data
        for part in dotted.split("."):
            if not isinstance(value, dict) or part not in value:
                return default
            value = value[part]
        return value

    def need(self, dotted: str, kind: Type[T]) -> T:
        """The value at ``dotted``, which must be a ``kind``. Raises ArgsFault."""
        missing = object()
        value = self.get(dotted, missing)
        if value is missing:
            raise ArgsFault(f"{self.source}: {dotted} is missing", f"a {kind.__name__}")
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise ArgsFault(f"{self.source}: {dotted} is {value!r:.80}", f"a {kind.__name__}")
        return value

    def size(self, dotted: str) -> int:
        """The positive integer at ``dotted``. Raises ArgsFault."""
        value = self.need(dotted, int)
        if not 0 < value < 2**31:
            raise ArgsFault(f"{self.source}: {dotted} is {value}", "a positive size")
        return value

    def sizes(self, dotted: str, count: int) -> Tuple[int, ...]:
        """The ``count`` positive integers at ``dotted``. Raises ArgsFault."""
        value = self.get(dotted)
        good = isinstance(value, (tuple, list)) and len(value) == count
        if not good or not all(type(v) is int and 0 < v < 2**31 for v in value):
            shown = "missing" if value is None else repr(value)[:80]
            raise ArgsFault(f"{self.source}: {dotted} is {shown}", f"{count} positive sizes")
        return tuple(value)

    def class_at(self, dotted: str) -> Optional[str]:
        """The dataclass that ``dotted`` is tagged with, or ``None`` in the plain form."""
        return self.classes.get(dotted)


def read_args(source: Union[str, Path, bytes], name: Optional[str] = None) -> DartArgs:
    """Read an args.yaml from a path or from its bytes; nothing in it is executed.

    ``name`` is what messages call it. Raises ArgsFault: absent, unreadable, too big, empty,
    a web page, binary, not UTF-8, cut off, not YAML, or not a mapping.
    """
    if isinstance(source, bytes):
        name = name or "args.yaml"
        raw = source
    else:
        name = name or str(source)
        raw = _read(Path(source), name)
    text = _text(raw, name)
    wrapped = False
    value = _parse(text, name)
    if isinstance(value, str):
        wrapped = True
        value = _parse(value, name)
    if isinstance(value, str) or value is None:
        raise ArgsFault(f"{name}: holds only {_shown(value)}", "the mapping that tyro writes")
    return _as_args(value, name, wrapped)


def read_mapping(path: Union[str, Path], name: Optional[str] = None) -> Dict[str, Any]:
    """A small plain YAML mapping, such as a motion-primitive configuration. Raises ArgsFault."""
    return read_args(path, name).data


def _read(path: Path, name: str) -> bytes:
    try:
        if not stat.S_ISREG(path.stat().st_mode) and not path.is_dir():
            raise ArgsFault(f"{name}: not a regular file")  # to open a pipe is to wait
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ArgsFault(f"{name}: no such file") from None
    except (OSError, ValueError) as error:
        reason = "is a folder" if path.is_dir() else os_reason(error)
        raise ArgsFault(f"{name}: cannot be read: {reason}") from None
    return raw


def _text(raw: bytes, name: str) -> str:
    if len(raw) > MAX_BYTES:
        raise ArgsFault(
            f"{name}: larger than {MAX_BYTES // 1024} KiB", "an args.yaml of about 2 KiB"
        )
    if not raw.strip(b"\x00 \t\r\n"):
        raise ArgsFault(f"{name}: {'empty' if not raw else 'holds nothing'}", "tyro's YAML")
    if is_html(raw[:4096]):
        raise ArgsFault(f"{name}: a web page in place of the file", "tyro's YAML")
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise ArgsFault(f"{name}: UTF-16 text", "UTF-8", "save it again as UTF-8")
    if b"\x00" in raw:
        raise ArgsFault(f"{name}: binary, not text", "tyro's YAML")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        found = f"{name}: byte 0x{raw[error.start]:02x} at offset {error.start} is not UTF-8"
        raise ArgsFault(found, "UTF-8") from None


def _parse(text: str, name: str) -> Any:
    try:
        return load_yaml(text)
    except YamlFault as error:
        raise ArgsFault(f"{name}: {error}", "tyro's YAML, whole") from None


def _as_args(value: Any, name: str, wrapped: bool) -> DartArgs:
    found = _Found()
    data = found.plain(value, "")
    if not isinstance(data, dict):
        raise ArgsFault(f"{name}: holds {_shown(data)}", "a mapping of arguments")
    class_name = found.classes.get("")
    return DartArgs(
        source=name,
        kind=_KINDS.get(class_name) if class_name else _kind_by_keys(data),
        class_name=class_name,
        data=data,
        classes=found.classes,
        posixpath=tuple(found.posixpath),
        windowspath=tuple(found.windowspath),
        foreign_tags=tuple(dict.fromkeys(found.foreign)),
        wrapped=wrapped,
    )


class _Found:
    """What taking the tags off brings to light."""

    def __init__(self) -> None:
        self.classes: Dict[str, str] = {}
        self.posixpath: List[str] = []
        self.windowspath: List[str] = []
        self.foreign: List[str] = []

    def plain(self, value: Any, dotted: str) -> Any:
        # load_yaml has bounded the depth and the expanded size, so this recursion is bounded too.
        if isinstance(value, Tagged):
            return self._untagged(value, dotted)
        if isinstance(value, dict):
            return {
                k: self.plain(v, f"{dotted}.{k}" if dotted else str(k)) for k, v in value.items()
            }
        if isinstance(value, list):
            return [self.plain(v, dotted) for v in value]
        return value

    def _untagged(self, tagged: Tagged, dotted: str) -> Any:
        tag, value = tagged.tag, self.plain(tagged.value, dotted)
        if tag.startswith(_DATACLASS):
            self.classes[dotted] = tag[len(_DATACLASS) :]
        elif tag == "!!python/tuple":
            return tuple(value) if isinstance(value, list) else value
        elif tag.startswith("!!python/object/apply:pathlib."):
            # Python 3.13 calls the module pathlib._local.
            return self._path(tag, value, dotted)
        elif tag == "!!python/object/apply:torch.device":
            return ":".join(str(v) for v in value) if isinstance(value, list) else value
        elif not tag.startswith(("!enum:", "!missing")) and tag not in _PLAIN_TAGS:
            self.foreign.append(tag)
        return value

    def _path(self, tag: str, value: Any, dotted: str) -> Any:
        type_name = tag.rsplit(".", 1)[1]
        if type_name not in _PATH_TYPES or not isinstance(value, list):
            self.foreign.append(tag)
            return value
        if type_name == "PosixPath":
            self.posixpath.append(dotted)
        elif type_name == "WindowsPath":
            self.windowspath.append(dotted)
        return PurePosixPath(*[str(v) for v in value])


# Tags of plain data that PyYAML writes for Python values; loading them runs nothing.
_PLAIN_NAMES = "set omap pairs binary timestamp python/none python/bool python/str python/unicode"
_PLAIN_NAMES += " python/int python/long python/float python/complex python/bytes python/list"
_PLAIN_TAGS = frozenset("!!" + name for name in (_PLAIN_NAMES + " python/dict").split())


def _kind_by_keys(data: Dict[str, Any]) -> Optional[str]:
    if "denoiser_args" in data:
        return "denoiser"
    if "policy_args" in data or "env_args" in data:
        return "policy"
    model = data.get("model_args")
    if isinstance(model, dict) and "latent_dim" in model:
        return "vae"
    return None


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return f"the text {value[:40]!r}"
    return f"a {type(value).__name__}"
