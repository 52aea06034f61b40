"""DART's assets: args.yaml files, what they name, and every file the manifest lists.

Nothing is loaded or executed; see :mod:`dartenv.assets`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Optional, Set, Tuple

import msgspec

from dartenv.assets.args_yaml import DartArgs
from dartenv.assets.sniff import absolute, sniff
from dartenv.assets.spec import AssetsSpec, CheckpointSpec
from dartenv.facts import assets_files as look
from dartenv.facts.assets_args import (
    Run,
    Runs,
    backslash_note,
    checkpoints_in,
    named_path,
    relative,
)
from dartenv.facts.assets_data import named_by_vae
from dartenv.facts.assets_search import FileIndex
from dartenv.facts.model import AssetsFacts, FileAsset


def probe_assets(root: str, spec: AssetsSpec) -> AssetsFacts:
    """Look at the assets of the tree at ``root`` (absolute). Never raises.

    A missing file is listed when something needs it: an optional one only when another file of
    its set is there, so that whoever does not use that set does not read of it.
    """
    return _Probe(str(Path(root)), spec).facts()


class _Probe:
    def __init__(self, root: str, spec: AssetsSpec) -> None:
        self.root = root
        self.spec = spec
        self.runs = Runs(root, spec)
        self.files: Dict[str, FileAsset] = {}
        self.sets: Dict[str, Set[str]] = {}  # keys of files by set
        self.present: Set[str] = set()  # sets of which an optional file is there
        self.paths: Dict[str, str] = {}  # where each published checkpoint is looked for

    def facts(self) -> AssetsFacts:
        self.runs.discover()
        for published in self.spec.checkpoints:
            if published.role != "vae":
                self._published(published)
        for published in self.spec.checkpoints:
            if published.role == "vae":
                self._published(published)
        for run in self.runs:
            self._discovered(run)
        for run in self.runs:
            self._data(run)
        self._unnamed_statistics()
        self._other_files()
        self._bodies()
        clip_cache = self._clip()
        listed = [file for key, file in self.files.items() if self._is_listed(key, file)]
        return AssetsFacts(
            args=tuple(run.facts() for run in self.runs if run.exists or run.needed),
            files=tuple(self._with_places(listed)),
            clip_cache=clip_cache,
        )

    # Checkpoints

    def _published(self, published: CheckpointSpec) -> None:
        path = absolute(self.root, published.path)
        named_by = ""
        if published.role == "vae":
            path, named_by = self._vae_path(published, path)
        self.paths[published.id] = path
        run = self.runs.at(str(Path(path).parent), named_by)
        run.needed = run.needed or not published.optional
        self._checkpoint(published.id, published.role, path, run, published, named_by)

    def _vae_path(self, published: CheckpointSpec, path: str) -> Tuple[str, str]:
        """Where the denoiser that uses this VAE says it is, else the manifest's place."""
        for denoiser in self.spec.checkpoints:
            if denoiser.vae != published.id:
                continue
            run = self.runs.at(str(Path(absolute(self.root, denoiser.path)).parent))
            named = (
                named_path(self.root, run.args.get("denoiser_args.mvae_path")) if run.args else None
            )
            if named is not None:
                return named, run.path
        return path, ""

    def _discovered(self, run: Run) -> None:
        """Checkpoints beside an args.yaml, and the one it names."""
        patterns = _patterns(self.spec)
        paths, count = checkpoints_in(run.folder, patterns, self.spec.max_checkpoints)
        role = (run.args.kind if run.args else None) or ""
        for path in paths:
            asset_id = f"checkpoint:{relative(self.root, path)}"
            self._checkpoint(asset_id, role, path, run, None, run.named_by)
        if run.args is None:
            return
        for dotted, kind in (
            ("denoiser_args.mvae_path", "vae"),
            ("denoiser_checkpoint", "denoiser"),
        ):
            text = run.args.get(dotted)
            named = named_path(self.root, text)
            if named is None:
                continue
            note = backslash_note(text)
            if note:
                run.mismatches.append(note)
            named_run = self.runs.at(str(Path(named).parent), run.path)
            if kind == "vae" and named_run.args is not None:
                run.mismatches.extend(_disagreements(run.args, named_run.args))
            # Who has no checkpoint of his own has no use for the one it names.
            if count or sniff(named).exists:
                asset_id = f"checkpoint:{relative(self.root, named)}"
                self._checkpoint(asset_id, kind, named, named_run, None, run.path)

    def _checkpoint(
        self,
        asset_id: str,
        role: str,
        path: str,
        run: Run,
        published: Optional[CheckpointSpec],
        named_by: str,
    ) -> None:
        args = run.args if self.spec.networks == "dart" else None
        known = self.files.get(_key(path))
        if known is not None:
            if named_by and not known.named_by:
                self.files[_key(path)] = msgspec.structs.replace(known, named_by=named_by)
            return
        file = look.checkpoint(asset_id, role, path, args)
        if published is None:
            self._add(msgspec.structs.replace(file, named_by=named_by, optional=True), "")
            return
        file = msgspec.structs.replace(
            file,
            named_by=named_by,
            optional=published.optional,
            needed_by=published.needed_by,
        )
        self._add(file, published.set)

    def _data(self, run: Run) -> None:
        """What the data_args of a VAE name; of an optional VAE only when it is there."""
        if run.args is None or run.args.kind != "vae" or self.spec.statistics is None:
            return
        vae = self._vae_of(run)
        if vae is None or (vae.optional and not vae.exists):
            return
        for file in named_by_vae(self.root, run, self.spec.statistics):
            self._add(
                msgspec.structs.replace(
                    file, optional=vae.optional, needed_by=vae.needed_by, named_by=run.path
                ),
                "",
            )

    def _unnamed_statistics(self) -> None:
        """Statistics of a needed VAE whose args.yaml cannot say which file it is."""
        spec = self.spec.statistics
        for published in self.spec.checkpoints:
            place = spec.fallback.get(published.id) if spec is not None else None
            if spec is None or place is None or published.optional:
                continue
            run = self.runs.at(str(Path(self.paths[published.id]).parent))
            if run.args is None:
                path = absolute(self.root, place)
                file = look.statistics(
                    f"statistics:{place}", path, sum(spec.features.values()), spec.features
                )
                self._add(msgspec.structs.replace(file, needed_by=published.needed_by), "")

    def _vae_of(self, run: Run) -> Optional[FileAsset]:
        """The VAE checkpoint of this run that somebody needs or that lies there."""
        beside = [f for f in self.files.values() if f.role == "vae"]
        beside = [f for f in beside if _key(str(Path(f.path).parent)) == _key(run.folder)]
        beside.sort(key=lambda f: (f.optional, not f.exists))
        return beside[0] if beside else None

    # Everything else

    def _other_files(self) -> None:
        for spec in self.spec.files:
            file = look.plain_file(spec, absolute(self.root, spec.path), self.spec.motion)
            file = msgspec.structs.replace(file, optional=spec.optional, needed_by=spec.needed_by)
            self._add(file, spec.set)

    def _bodies(self) -> None:
        for spec in self.spec.bodies:
            for asset_id, name in spec.files.items():
                place = f"{self.spec.body_model_dir}/{spec.folder}/{name}"
                file = look.body_file(asset_id, spec, absolute(self.root, place))
                file = msgspec.structs.replace(
                    file, optional=spec.optional, needed_by=spec.needed_by
                )
                self._add(file, spec.set)

    def _clip(self) -> Optional[str]:
        if self.spec.clip is None:
            return None
        try:
            path = str(Path(self.spec.clip.path).expanduser())
        except (RuntimeError, OSError):  # no home folder
            return None
        self._add(look.clip_file(self.spec.clip, path), "")
        return path

    # Listing

    def _add(self, file: FileAsset, set_name: str) -> None:
        key = _key(file.path)
        if key in self.files:
            return
        stand_in = file.exists and look.is_stand_in(file.path, self.spec)
        self.files[key] = msgspec.structs.replace(file, stand_in=stand_in)
        self.sets.setdefault(set_name, set()).add(key)
        if file.exists and file.optional and set_name:
            self.present.add(set_name)

    def _is_listed(self, key: str, file: FileAsset) -> bool:
        if file.exists or not file.optional or key in self.sets.get("", ()):
            return True
        return any(key in self.sets[name] for name in self.present)

    def _with_places(self, files: List[FileAsset]) -> List[FileAsset]:
        if all(file.exists for file in files):
            return files
        index = FileIndex(self.root, self.spec.search, [f.path for f in files])
        out = []
        for file in files:
            if not file.exists and file.role != "data-dir":
                file = msgspec.structs.replace(file, elsewhere=index.elsewhere(file.path))
            out.append(file)
        return out


def _key(path: str) -> str:
    return str(Path(path)).lower() if Path("A") == Path("a") else str(Path(path))


def _patterns(spec: AssetsSpec) -> Tuple[str, ...]:
    return tuple(dict.fromkeys(p for folder in spec.folders for p in folder.checkpoints))


def _disagreements(denoiser: DartArgs, vae: DartArgs) -> List[str]:
    """Where a denoiser's args.yaml contradicts that of the VAE it names."""
    pairs = (
        ("denoiser_args.model_args.noise_shape", "model_args.latent_dim"),
        ("data_args.feature_dim", "model_args.nfeats"),
        ("data_args.history_length", "data_args.history_length"),
        ("data_args.future_length", "data_args.future_length"),
    )
    wrong = []
    for mine, theirs in pairs:
        left, right = denoiser.get(mine), vae.get(theirs)
        if left is not None and right is not None and _plain(left) != _plain(right):
            wrong.append(f"{mine} is {left}, {vae.source} has {theirs} {right}")
    return wrong


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
