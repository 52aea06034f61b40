"""Taking Python indexes, closed and repeated channels out of conda's lists, and nothing else.

A list that would be left empty goes with its key: an empty list would replace the channels of
other files and conda's own defaults with none at all.
"""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, List, Optional, Sequence, Set, Tuple, Union

import yaml

from dartenv.assets.yaml_data import NoDocument, YamlFault, load_yaml
from dartenv.checks.conda import is_wrong, repeated, tools_table
from dartenv.facts.addresses import masked
from dartenv.facts.model import Facts, TargetFacts
from dartenv.fixes.file_steps import Unreadable, decoded, possible, read_bytes, write_step
from dartenv.fixes.paths import key as path_key
from dartenv.fixes.paths import real
from dartenv.fixes.plan import Refusal
from dartenv.fixes.registry import Planned, fixer
from dartenv.fixes.steps import AnyStep
from dartenv.manifests.loader import Manifests

FIX = "conda.channels"
LISTS = ("channels", "default_channels")
_REST_OF_LINE = re.compile(r"[ \t]*,?[ \t]*(#[^\r\n]*)?(\r\n|\r|\n|\Z)")

Wrong = Callable[[str], bool]


class TooOdd(Exception):
    """YAML that is right and still written in a way that is not edited here."""


@fixer(FIX)
def plan_channels(facts: Facts, manifests: Manifests, target: TargetFacts) -> Planned:
    """A step for each .condarc that lists what conda fails on, or a channel twice."""
    table = tools_table(manifests)
    found: List[Union[AnyStep, Refusal]] = []
    seen: Dict[str, None] = {}
    for rc in facts.conda.condarcs if facts.conda is not None else ():
        if path_key(real(rc.path)) in seen:
            continue
        seen[path_key(real(rc.path))] = None
        if rc.problem is not None:
            found.append(Refusal(fix=FIX, reason=rc.problem, path=rc.path))
        elif any(
            repeated(listed) or any(is_wrong(channel, table) for channel in listed)
            for listed in (rc.channels, rc.default_channels)
        ):
            step = _step(rc.path, lambda channel: is_wrong(channel, table))
            if step is not None:
                found += step if isinstance(step, tuple) else (step,)
    return found


def _step(path: str, wrong: Wrong) -> Union[AnyStep, Tuple[Refusal, ...], None]:
    data = read_bytes(path)
    if data is None:
        return None
    if isinstance(data, Unreadable):
        return (Refusal(fix=FIX, reason=data.reason, path=path),)
    text = decoded(data)
    if text is None:
        reason = "neither UTF-8 nor GBK: remove the channel by hand"
        return (Refusal(fix=FIX, reason=reason, path=path),)
    try:
        new, removed = without_channels(text[0], wrong)
    except TooOdd as odd:
        return (Refusal(fix=FIX, reason=f"{odd}: remove the channel by hand", path=path),)
    if not removed:
        return None
    bad = [masked(channel) for channel in removed if wrong(channel)]
    twice = [masked(channel) for channel in removed if not wrong(channel)]
    reasons = [f"{', '.join(bad)}, which conda cannot read"] if bad else []
    reasons += [f"{', '.join(twice)}, where listed before"] if twice else []
    reason = "remove " + ", and ".join(reasons)
    return possible(write_step((FIX,), path, data, new.encode(text[1]), reason), path)


def without_channels(text: str, wrong: Wrong) -> Tuple[str, List[str]]:
    """``text`` without the channels that are ``wrong`` or repeated, and those channels.

    Every other character stays where it was. Raises TooOdd.
    """
    try:
        _bounded(text)
        wanted, removed = _cleaned(yaml.safe_load(text), wrong)
        new = text
        for _ in range(len(removed) + len(LISTS)):
            shorter = _one_less(new, wrong)
            if shorter is None:
                break
            new = shorter
        if (yaml.safe_load(new) or {}) != wanted:
            raise TooOdd("written in an unusual way")
    except (YamlFault, yaml.YAMLError, RecursionError, ValueError) as error:
        first = (str(error).splitlines() or ["unknown"])[0]
        raise TooOdd(f"not YAML ({first})") from None
    return new, removed


def _bounded(text: str) -> None:
    """Raises YamlFault where aliases or depth would make what follows endless."""
    try:
        load_yaml(text)
    except NoDocument:
        pass


def _cleaned(data: Any, wrong: Wrong) -> Tuple[Dict[Any, Any], List[str]]:
    """The settings as they shall be read afterwards, and what is to be removed."""
    settings = dict(data) if isinstance(data, dict) else {}
    removed: List[str] = []
    for name in LISTS:
        value = settings.get(name)
        listed = [value] if isinstance(value, str) else value
        if not isinstance(listed, list):
            continue
        marks = _marked([item if isinstance(item, str) else None for item in listed], wrong)
        removed += [item for item, bad in zip(listed, marks) if bad]
        left = [item for item, bad in zip(listed, marks) if not bad]
        if not left and any(marks):
            del settings[name]
        elif any(marks):
            settings[name] = left
    return settings, removed


def _marked(channels: Sequence[Optional[str]], wrong: Wrong) -> List[bool]:
    """For each item of one list whether it has to go: it is wrong, or stands there before."""
    seen: Set[str] = set()
    marks = []
    for channel in channels:
        bare = None if channel is None else channel.rstrip("/")
        marks.append(channel is not None and (wrong(channel) or bare in seen))
        if bare is not None:
            seen.add(bare)
    return marks


def _one_less(text: str, wrong: Wrong) -> Optional[str]:
    """``text`` with the first channel that has to go taken out; ``None`` where there is none."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        return None
    for key, value in root.value:
        if key.value not in LISTS or not isinstance(value, (yaml.ScalarNode, yaml.SequenceNode)):
            continue
        if value.start_mark.index < key.end_mark.index:
            raise TooOdd(f"{key.value} is an alias")
        items: List[Any] = [value] if isinstance(value, yaml.ScalarNode) else value.value
        marks = _marked([_scalar(item) for item in items], wrong)
        for index, item in enumerate(items):
            if not marks[index]:
                continue
            if isinstance(value, yaml.ScalarNode):
                return _without_entry(text, root, key, value)
            if len(value.value) == 1:
                return _without_list(text, root, key, value)
            if value.flow_style:
                return _without_flow_item(text, value.value, index)
            return _without_lines(text, item)
    return None


def _scalar(node: Any) -> Optional[str]:
    """A text as YAML reads it; ``None`` for numbers and all else."""
    text = isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:str"
    return str(node.value) if text else None


def _without_list(text: str, root: Any, key: Any, value: Any) -> str:
    """Without the key and its one item; comments between them stay."""
    if value.flow_style:
        return _without_entry(text, root, key, value)
    shorter = _without_lines(text, value.value[0])
    return _without_entry(shorter, root, key, key)


def _without_entry(text: str, root: Any, key: Any, last: Any) -> str:
    """Without the lines from ``key`` to the end of ``last``."""
    if root.flow_style:
        raise TooOdd("all settings in one pair of braces")
    start = _line_start(text, key.start_mark.index)
    end = last.end_mark.index
    if last is key:
        end = text.index(":", end) + 1
    return text[:start] + text[_line_end(text, end) :]


def _without_lines(text: str, item: Any) -> str:
    start = _line_start(text, item.start_mark.index)
    if not re.fullmatch(r"[ \t]*-[ \t]+", text[start : item.start_mark.index]):
        raise TooOdd("a list within a list")
    return text[:start] + text[_line_end(text, item.end_mark.index) :]


def _without_flow_item(text: str, items: List[Any], index: int) -> str:
    """Without one item of ``[a, b]``: its line where it has one of its own, else with a comma."""
    start, end = items[index].start_mark.index, items[index].end_mark.index
    line = _line_start(text, start)
    rest = _REST_OF_LINE.match(text, end)
    if rest is not None and not text[line:start].strip():
        return text[:line] + text[rest.end() :]
    if index + 1 < len(items):
        after = re.compile(r"\s*,[ \t]*").match(text, end)
        if after is None:
            raise TooOdd("a comment before a comma")
        return text[:start] + text[after.end() :]
    before = items[index - 1].end_mark.index
    gap = text[before:start]
    if "#" in gap or "\n" in gap or "\r" in gap:
        return text[:start] + text[end:]  # the comma before stays: YAML allows it
    return text[:before] + text[end:]


def _line_start(text: str, index: int) -> int:
    start = max(text.rfind("\n", 0, index), text.rfind("\r", 0, index)) + 1
    return start + 1 if text.startswith("\ufeff", start) else start


def _line_end(text: str, index: int) -> int:
    rest = _REST_OF_LINE.match(text, index)
    if rest is None:
        raise TooOdd("more on the same line")
    return rest.end()
