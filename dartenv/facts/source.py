"""Probe of the DART tree: is it one, which revision, and where its known source faults stand.

Reads files only; the one program it may run is git, and only if one is given. Never raises: what
cannot be read or parsed becomes a :class:`~dartenv.facts.model.FileProblem`.
"""

from __future__ import annotations

import ast
import os
from pathlib import Path
from typing import Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

import msgspec

from dartenv.facts import places
from dartenv.facts.model import FileProblem, Location, SourceFacts
from dartenv.facts.runner import Runner
from dartenv.facts.source_git import git_dirty, git_remote, git_revision
from dartenv.facts.source_seen import Scan, keep, key_of, recall
from dartenv.source import aliases, bodymodel, defaults, posixpath, prompts, torchload
from dartenv.source.closure import Closure, import_closure
from dartenv.source.collector import collector_paused
from dartenv.source.module import Module
from dartenv.source.recognise import Recognised, recognise
from dartenv.source.site import Site
from dartenv.source.spec import SourceSpec
from dartenv.source.text import UnreadableError
from dartenv.source.tree import read_tree


def probe_source(
    root: str,
    spec: SourceSpec,
    runner: Optional[Runner] = None,
    git: Optional[str] = None,
    looks: Optional[Path] = None,
) -> SourceFacts:
    """Facts about the tree at ``root``.

    ``spec`` says which trees there are, their entry points, and the names numpy removed. Files
    that differ from the commit are told if ``runner`` and the absolute path ``git`` are given. A
    folder that is no known tree is not searched, only its markers are told. ``looks`` is a folder
    where what was found is kept, so that the same files are not parsed again.
    """
    if not places.is_dir(root):
        obstacle = places.obstacle(root)
        return SourceFacts(
            root=root,
            exists=os.path.lexists(root),
            is_dir=False,
            problems=(FileProblem(path=".", reason=obstacle),) if obstacle is not None else (),
        )
    known = recognise(root, spec.trees)
    if known.tree is None:
        denied = _denied(root)
        return SourceFacts(
            root=root,
            exists=True,
            is_dir=True,
            markers_found=known.found,
            markers_missing=known.missing,
            problems=(FileProblem(path=".", reason=denied),) if denied is not None else (),
        )
    with collector_paused():
        return _Probe(root, spec, known, looks).facts(runner, git)


def _denied(root: str) -> Optional[str]:
    """Why a folder does not tell what lies in it."""
    try:
        next(Path(root).iterdir(), None)
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    return None


_Finder = Tuple[Callable[[bytes], bool], Callable[[Module], Sequence[Site]]]


class _Probe:
    def __init__(
        self, root: str, spec: SourceSpec, known: Recognised, looks: Optional[Path]
    ) -> None:
        assert known.tree is not None
        self.root = root
        self.spec = spec
        self.known = known
        self.kind = known.tree
        self.looks = looks
        self.problems: List[FileProblem] = []
        self.tree = read_tree(root, spec, self.kind.skip_dirs)

    def facts(self, runner: Optional[Runner], git: Optional[str]) -> SourceFacts:
        tree = self.tree
        problems = [FileProblem(path=p.path, reason=p.reason) for p in tree.problems]
        key = key_of(self.root, tree.files, self.spec) if self.looks is not None else ""
        scan = recall(self.looks, key)
        if scan is None:
            scan = self._scan(len(tree.problems))
            keep(self.looks, key, scan)
        problems += scan.problems
        dirty = git_dirty(self.root, runner, git)
        if dirty.problem is not None:
            problems.append(FileProblem(path=".git", reason=dirty.problem))
        return SourceFacts(
            root=self.root,
            exists=True,
            is_dir=True,
            markers_found=self.known.found,
            markers_missing=self.known.missing,
            kind=self.kind.kind,
            python_files=tree.python_files,
            writable=self._writable(scan.found.values()),
            git_revision=git_revision(self.root),
            git_remote=git_remote(self.root),
            git_dirty=dirty.files,
            newline=_newline(tree.files.values()),
            longest_path=tree.longest_path or None,
            closure=scan.closure,
            body_model_dir=scan.body_model_dir,
            body_model_location=scan.body_model_location,
            problems=tuple(problems),
            **scan.found,
        )

    def _scan(self, walked: int) -> Scan:
        """What the files say; ``walked`` problems were there before any was parsed."""
        tree, spec = self.tree, self.spec
        self.closure = import_closure(tree, self.kind.entry_points)
        found = self._locations(
            {
                "numpy_aliases": (
                    aliases.accepts(tree, spec.aliases),
                    lambda m: aliases.find(m, spec.aliases, tree),
                ),
                "posixpath": (
                    posixpath.accepts(tree),
                    lambda m: posixpath.find(m, spec.args_file, tree),
                ),
                "prompt_filenames": (prompts.accepts, lambda m: prompts.find(m, tree)),
                "dataclass_defaults": (defaults.accepts, lambda m: defaults.find(m, tree)),
                "torch_load": (torchload.accepts(tree), lambda m: torchload.find(m, tree)),
            }
        )
        # Importing is what breaks on these; a function that nobody calls breaks nothing.
        found["numpy_aliases"] = tuple(_only_at_import(x) for x in found["numpy_aliases"])
        folder, place = self._body_model()
        parsed = [FileProblem(path=p.path, reason=p.reason) for p in tree.problems[walked:]]
        return Scan(
            found=found,
            closure=dict(self.closure.counts),
            body_model_dir=folder,
            body_model_location=place,
            problems=(*parsed, *self.problems),
        )

    def _locations(self, finders: Mapping[str, _Finder]) -> Dict[str, Tuple[Location, ...]]:
        """What each finder finds, file by file: what is known of one file goes before the next."""
        found: Dict[str, List[Location]] = {name: [] for name in finders}
        for path in sorted(self.tree.files):
            data = self.tree.files[path]
            module = None
            for name, (accepts, find) in finders.items():
                if not accepts(data):
                    continue
                module = module or self.tree.module(path)
                if module is None:
                    break
                try:
                    found[name].extend(_location(site, self.closure) for site in find(module))
                except (UnreadableError, RecursionError) as error:
                    self._problem(path, str(error) or "is nested too deeply")
            if module is not None:
                module.forget()
        return {name: tuple(locations) for name, locations in found.items()}

    def _problem(self, path: str, reason: str) -> None:
        problem = FileProblem(path=path, reason=reason)
        if problem not in self.problems:
            self.problems.append(problem)

    def _body_model(self) -> Tuple[Optional[str], Optional[Location]]:
        module = self.tree.module(self.kind.data_paths)
        if module is None:
            return None, None
        try:
            site = bodymodel.find(module, self.kind.body_model_name, _absolute(self.root))
        except (UnreadableError, RecursionError) as error:
            self._problem(module.path, str(error) or "is nested too deeply")
            return None, None
        if site is None:
            return None, None
        folder = site.value.text if site.value is not None else None
        return folder, _location(site, self.closure)

    def _writable(self, found: Iterable[Sequence[Location]]) -> bool:
        """Whether the root and the files that need a repair may be written."""
        paths = {x.path for locations in found for x in locations if x.state == "needed"}
        places = [Path(self.root), *(Path(self.root, *path.split("/")) for path in sorted(paths))]
        return all(os.access(place, os.W_OK) for place in places)


def _location(site: Site, closure: Closure) -> Location:
    module = site.module
    runs = module.runs(site.node)
    started = runs == "import" or (runs == "main" and module.path in closure.entries)
    if not started and runs == "call":
        started = _called_at_import(module, site)
    return Location(
        path=module.path,
        line=site.line,
        text=site.text,
        symbol=site.symbol,
        live=closure.reaches(module.path) and runs != "never",
        state=site.state,
        note=site.note,
        at_import=started and module.path in closure.at_import,
        via=closure.chain(module.path),
    )


def _called_at_import(module: Module, site: Site) -> bool:
    """Whether the module itself calls the function around the place as it is imported."""
    function = module.function(site.node)
    if function is None or module.parent(function) is not module.tree:
        return False
    return any(
        getattr(call.func, "id", "") == function.name and module.runs(call) == "import"
        for call in module.nodes(ast.Call)
    )


def _only_at_import(location: Location) -> Location:
    note = location.note
    if location.live and not location.at_import:
        note = f"{note}; only when its function is called"
    live = location.live and location.at_import
    return msgspec.structs.replace(location, live=live, note=note)


def _newline(files: Iterable[bytes]) -> Optional[str]:
    """How the lines of the Python files end: ``lf``, ``crlf``, ``mixed``, or cannot be told."""
    counts: Dict[str, int] = {"lf": 0, "crlf": 0}
    for data in files:
        pairs = data.count(b"\r\n")
        counts["crlf"] += pairs > 0
        counts["lf"] += data.count(b"\n") > pairs
    if counts["lf"] and counts["crlf"]:
        return "mixed"
    return next((name for name, count in counts.items() if count), None)


def _absolute(root: str) -> str:
    return os.path.abspath(root)  # noqa: PTH100 (links must stay as they are written)
