"""Two facts values side by side: what differs, and which finding each difference explains."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Dict, List, Optional, Sequence, Set, Tuple

from dartenv.checks import all_checks
from dartenv.checks.finding import Finding, Status
from dartenv.checks.registry import REGISTRY, Check, Context, run_checks
from dartenv.examine import Request, choose_profile
from dartenv.facts.compare import Difference, differences, shown, with_part
from dartenv.facts.model import PROBES, Facts
from dartenv.facts.redact import redact
from dartenv.manifests.schema import Profile

# Beyond this many a difference is still listed, but no longer tried on its own.
MAX_TRIED = 400
TOGETHER = "several differences together"
# Facts that are measured anew at every look: told only where they explain something.
_MEASURED = re.compile(
    r"(?:^host\.(?:now|newest_file|newest_file_path)|\.seconds|\.memory_free|\.free)$"
)
_ORDER = [status.value for status in Status]

Verdict = Tuple[Tuple[str, str], ...]
Verdicts = Dict[str, Verdict]


def explained_differences(request: Request, before: Facts, after: Facts) -> List[Difference]:
    """Every difference, with the findings that it explains.

    Both sides are judged by one profile, and a finding that changes is told with its verdict on
    either side. A part is one thing of a machine: a package with its files, a toolkit, an
    import's result. It explains a finding that it changes alone, taken from ``after`` into
    ``before``: best the one that leads to the very verdict, else to its gravity, else to any
    other. Where none does, those that undo the change when they are taken back do, then
    everything that one probe tells. What is left is explained by :data:`TOGETHER`.
    """
    all_checks()
    if bool(before.redactions) != bool(after.redactions):
        # A shared bundle beside a machine as it is: names alone are no difference.
        before, after = redact(before), redact(after)
    profile = choose_profile(request, before)
    search = _Search(request, before, after, profile, REGISTRY.select(request.select))
    explained = search.run()
    found: List[Difference] = []
    told: Set[str] = set()
    for path, old, new in search.differing:
        part = _part(path)
        explains = tuple(explained.get(part, ())) if part not in told else ()
        told.add(part)
        if explains or not _MEASURED.search(path):
            found.append(
                Difference(path=path, before=shown(old), after=shown(new), explains=explains)
            )
    if TOGETHER in explained:
        rest = tuple(explained[TOGETHER])
        found.append(Difference(path=TOGETHER, before="", after="", explains=rest))
    return found


@dataclass
class _Search:
    request: Request
    before: Facts
    after: Facts
    profile: Profile
    checks: List[Check]
    differing: List[Tuple[str, object, object]] = field(init=False)

    def run(self) -> Dict[str, List[str]]:
        """Part by part, the findings that it explains."""
        self.differing = list(differences(self.before, self.after))
        self._first = self._verdicts(self.before, self.checks)
        self._second = self._verdicts(self.after, self.checks)
        left = [c for c in self._first if self._differs(c, self._second)]
        parts = self._parts()
        explained: Dict[str, List[str]] = {}
        forward = self._ranked(parts, self.before, self.after, self._first, self._second, left)
        left = self._note(forward, left, explained)
        if left:
            back = self._ranked(parts, self.after, self.before, self._second, self._first, left)
            restoring = {c: ranks for c, ranks in back.items() if min(ranks.values()) < _OTHER}
            left = self._note(restoring, left, explained)
        if left:
            probes: Dict[str, Tuple[str, Sequence[str]]] = {}
            for part, (probe, _) in parts.items():
                probes.setdefault(probe, (part, (probe if probe in PROBES else f"extra.{probe}",)))
            whole = {part: (probe, items) for probe, (part, items) in probes.items()}
            groups = self._ranked(whole, self.before, self.after, self._first, self._second, left)
            left = self._note(groups, left, explained)
        if left:
            explained[TOGETHER] = [self._change(check) for check in left]
        return explained

    def _parts(self) -> Dict[str, Tuple[str, Sequence[str]]]:
        """Each part with its probe and the paths that are exchanged for it."""
        parts: Dict[str, Tuple[str, List[str]]] = {}
        for path, _, _ in self.differing:
            _, paths = parts.setdefault(_part(path), (_probe(path), []))
            if _item(path) not in paths:
                paths.append(_item(path))
        return {part: parts[part] for part in list(parts)[:MAX_TRIED]}

    def _ranked(
        self,
        parts: Dict[str, Tuple[str, Sequence[str]]],
        base: Facts,
        other: Facts,
        verdicts: Verdicts,
        goal: Verdicts,
        wanted: Sequence[str],
    ) -> Dict[str, Dict[str, int]]:
        """For each wanted check, how near to ``goal`` each part brings it from ``base``."""
        found: Dict[str, Dict[str, int]] = {}
        for part, (probe, items) in parts.items():
            asked = [c for c in _affected(self.checks, probe) if c.id in wanted]
            if not asked:
                continue
            mixed = base
            for item in items:
                mixed = with_part(mixed, other, item)
            for check, verdict in self._verdicts(mixed, asked).items():
                words = _words(verdict)
                if words == _words(verdicts.get(check)):
                    continue
                if words == _words(goal.get(check)):
                    rank = _EXACT
                elif _worst(verdict)[0] == _worst(goal.get(check))[0]:
                    rank = _ALIKE
                else:
                    rank = _OTHER
                found.setdefault(check, {})[part] = rank
        return found

    def _note(
        self,
        ranked: Dict[str, Dict[str, int]],
        wanted: Sequence[str],
        explained: Dict[str, List[str]],
    ) -> List[str]:
        """Write down what the best parts of each check explain; the checks that are left."""
        left: List[str] = []
        for check in wanted:
            ranks = ranked.get(check)
            if not ranks:
                left.append(check)
                continue
            best = min(ranks.values())
            for part in [part for part, rank in ranks.items() if rank == best]:
                explained.setdefault(part, []).append(self._change(check))
        return left

    def _differs(self, check: str, other: Verdicts) -> bool:
        return _words(self._first.get(check)) != _words(other.get(check))

    def _change(self, check: str) -> str:
        return f"{check}: {_words(self._first.get(check))} -> {_words(self._second.get(check))}"

    def _verdicts(self, facts: Facts, checks: List[Check]) -> Verdicts:
        context = Context(facts, self.profile, self.request.manifests)
        grouped: Dict[str, List[Finding]] = {}
        for item in run_checks(context, checks):
            grouped.setdefault(item.check, []).append(item)
        return {
            check: tuple((item.status.value, item.summary) for item in items)
            for check, items in grouped.items()
        }


_EXACT, _ALIKE, _OTHER = 0, 1, 2


def _probe(path: str) -> str:
    """The probe that tells of it; an extension's stands in ``extra``."""
    return re.split(r"[.\[]", path[len("extra.") :] if path.startswith("extra.") else path)[0]


def _item(path: str) -> str:
    """The entry of a list that a path leads into, whole: half of one is no machine's."""
    return re.sub(r"(?s)^([\w.]+\[.*?\])(?:\..*)?$", r"\1", path)


def _part(path: str) -> str:
    """What has to be exchanged together: a package's metadata and its module are one thing."""
    match = re.match(r"interpreter\.(?:distributions|modules)\[([\w-]+)", path)
    return f"package {match.group(1)}" if match else _item(path)


def _affected(checks: List[Check], probe: str) -> List[Check]:
    """Checks that read ``probe``, and those that come after one that does."""
    hit: Set[str] = {c.id for c in checks if probe in c.probes or "facts" in c.parameters}
    grown = True
    while grown:
        more = {c.id for c in checks if c.id not in hit and hit & set(c.comes_after)}
        grown = bool(more)
        hit |= more
    return [c for c in checks if c.id in hit]


def _worst(verdict: Optional[Verdict]) -> Tuple[str, str]:
    if not verdict:
        return "", "not looked at"
    return max(verdict, key=lambda one: _ORDER.index(one[0]))


def _words(verdict: Optional[Verdict]) -> str:
    status, summary = _worst(verdict)
    if status in ("", "ok"):
        return status or summary
    return f"{status} ({summary})"
