"""``dartenv bootstrap``: a machine with nothing becomes one that moves."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, List, Optional, Tuple

import typer

from dartenv.cli import common

if TYPE_CHECKING:
    from dartenv.bootstrap.layout import Layout
    from dartenv.bootstrap.outcome import Outcome
    from dartenv.bootstrap.record import Settings
    from dartenv.bootstrap.stages import Stages
    from dartenv.manifests.loader import Manifests
    from dartenv.manifests.schema import Profile


def bootstrap(
    folder: Path = typer.Option(
        Path("dart"), "--dir", metavar="DIR", help="Where everything goes (default: ./dart)."
    ),
    profile: Optional[str] = common.PROFILE,
    backend: Optional[str] = typer.Option(
        None, "--backend", help="auto, conda, mamba, micromamba, uv or venv."
    ),
    python: Optional[str] = typer.Option(
        None, "--python", metavar="EXE|X.Y", help="What the environment is made from."
    ),
    source: Optional[str] = typer.Option(
        None, "--dart", metavar="SOURCE", help="DART: a repository, an archive or a folder."
    ),
    dart_root: Optional[str] = typer.Option(
        None, "--dart-root", metavar="DIR", help="A DART tree to use where it is."
    ),
    clip: Optional[str] = typer.Option(
        None, "--clip", metavar="SOURCE", help="CLIP: an archive or a folder."
    ),
    pytorch3d: Optional[str] = typer.Option(
        None, "--pytorch3d", metavar="SOURCE", help="pytorch3d: a wheel, an archive or a folder."
    ),
    index: Optional[str] = typer.Option(
        None,
        "--index",
        metavar="URL",
        help="The package index for all but torch: an address, or tuna.",
    ),
    torch_index: Optional[str] = typer.Option(
        None, "--torch-index", metavar="URL", help="torch's own index; same: the one for the rest."
    ),
    find_links: Optional[List[str]] = typer.Option(
        None, "--find-links", metavar="DIR", help="A folder of wheels to look into as well."
    ),
    no_index: bool = typer.Option(
        False, "--no-index", help="Ask no index at all: only --find-links."
    ),
    download_only: bool = typer.Option(
        False, "--download-only", help="Fill DIR/wheels for a machine without a network; stop."
    ),
    smoke: bool = typer.Option(True, "--smoke/--no-smoke", help="Prove at the end that it moves."),
    stand_ins: bool = typer.Option(
        True, "--stand-ins/--no-stand-ins", help="Replace what is missing in the proof, labelled."
    ),
    without: Optional[List[str]] = typer.Option(
        None, "--without", metavar="STAGE", help="Leave a stage for later, as assets."
    ),
    yes: bool = typer.Option(False, "--yes", "-y", help="Do not ask."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Show the way; change nothing."),
    format_name: str = common.FORMAT,
    manifests: Optional[List[Path]] = common.MANIFESTS,
) -> None:
    """Make everything DART needs, from nothing; interrupted, the next run goes on."""
    import msgspec

    from dartenv.bootstrap.layout import layout
    from dartenv.bootstrap.record import Settings, load
    from dartenv.bootstrap.stages import STAGES, Stages
    from dartenv.bootstrap.way import remember
    from dartenv.errors import UsageFault
    from dartenv.fixes.lock import state_folder
    from dartenv.install.mirrors import index_address
    from dartenv.install.settings import InstallConfig, use

    common.check_format(format_name)
    read = common.manifests_of(manifests)
    left_out = common.split(without)
    for name in left_out:
        if name not in [stage.id for stage in STAGES]:
            known = ", ".join(stage.id for stage in STAGES)
            raise UsageFault(f"--without {name!r}", f"one of: {known}")
    place = folder.expanduser().absolute()
    record = load(place)
    given = Settings(
        profile=profile,
        backend=backend,
        python=python,
        source=_absolute(source),
        install=InstallConfig(
            index=index_address(index, read) if index is not None else None,
            torch_index=_absolute(torch_index),
            find_links=tuple(str(Path(one).absolute()) for one in find_links or ()),
            no_index=no_index,
            clip=_absolute(clip),
            pytorch3d=_absolute(pytorch3d),
        ),
    )
    settings = _laid_over(record.settings, given)
    chosen = _profile(read, settings.profile)
    settings = msgspec.structs.replace(settings, profile=chosen.id)
    root = str(Path(dart_root).absolute()) if dart_root else ""
    stages = Stages(layout(place, root), chosen, settings, read, windows=sys.platform == "win32")
    if download_only:
        _download(stages, settings, dry_run)
        return
    with use(settings.install):
        _outline(stages, smoke, left_out, format_name)
        if dry_run:
            return
        _consent(yes)
        remember(place, msgspec.structs.replace(record, settings=settings))
        _recover(state_folder())
        outcome = _go(stages, smoke, stand_ins, left_out, format_name)
    _end(outcome, stages.layout, format_name)
    raise typer.Exit(outcome.exit_code)


def _absolute(source: Optional[str]) -> Optional[str]:
    """A path made absolute; an address or a word as it is."""
    if source is None or "://" in source:
        return source
    path = Path(source).expanduser()
    return str(path.absolute()) if path.exists() else source


def _laid_over(old: Settings, new: Settings) -> Settings:
    """The choices of an earlier run, with those given now in their place."""
    import msgspec

    from dartenv.bootstrap.record import Settings
    from dartenv.install.settings import InstallConfig

    def over(one: msgspec.Struct, other: msgspec.Struct, empty: msgspec.Struct) -> msgspec.Struct:
        changed = {
            name: getattr(other, name)
            for name in other.__struct_fields__
            if getattr(other, name) != getattr(empty, name)
        }
        return msgspec.structs.replace(one, **changed)

    install = over(old.install, new.install, InstallConfig())
    laid = over(old, new, Settings())
    assert isinstance(laid, Settings)
    assert isinstance(install, InstallConfig)
    return msgspec.structs.replace(laid, install=install)


def _profile(manifests: Manifests, wanted: Optional[str]) -> Profile:
    """The profile named, else the one that fits this machine's system and GPU."""
    from dartenv.examine import Request, choose_profile, collected
    from dartenv.target import Target

    if wanted is not None:
        return manifests.profile(wanted)
    request = Request(manifests=manifests, target=Target())
    return choose_profile(request, collected(request, ["host", "gpu"]))


def _outline(stages: Stages, smoke: bool, without: Tuple[str, ...], format_name: str) -> None:
    from dartenv.bootstrap.outline import outline
    from dartenv.report.bootstrap import render_outline
    from dartenv.report.terminal import write

    rows = outline(stages, smoke, without)
    talk = sys.stderr if format_name == "json" else sys.stdout
    write(render_outline(rows, str(stages.layout.folder), stages.profile.id), talk)


def _consent(yes: bool) -> None:
    from dartenv.errors import Declined

    if yes:
        return
    if not common.is_terminal():
        raise Declined("nobody to ask", "--yes, or a terminal", "dartenv bootstrap --yes")
    if not typer.confirm("\nGo?", default=True):
        raise Declined("declined: nothing was changed")


def _recover(state: Path) -> None:
    from dartenv.fixes.recover import recover
    from dartenv.report.terminal import say

    for one in recover(state):
        say(f"recovered {one.text}", sys.stderr)


def _go(
    stages: Stages, smoke: bool, stand_ins: bool, without: Tuple[str, ...], format_name: str
) -> Outcome:
    from dartenv.bootstrap.way import Way
    from dartenv.cli.downloads import fetched
    from dartenv.fixes.lock import state_folder
    from dartenv.report.watching import Watching

    talk = sys.stderr if format_name == "json" else sys.stdout
    with Watching(talk) as watching:
        way = Way(
            stages,
            state_folder(),
            watching,
            fetched,
            smoke=smoke,
            stand_ins=stand_ins,
            without=without,
        )
        return way.go()


def _end(outcome: Outcome, layout: Layout, format_name: str) -> None:
    if format_name == "json":
        import msgspec

        text = msgspec.json.format(msgspec.json.encode(outcome), indent=2).decode("utf-8")
        common.write_document(text + "\n")
        return
    from dartenv.report.bootstrap import render_end
    from dartenv.report.terminal import write

    again = f'dartenv bootstrap --dir "{layout.folder}"'
    write(render_end(outcome, again), sys.stdout)


def _download(stages: Stages, settings: Settings, dry_run: bool) -> None:
    from dartenv.bootstrap.wheelhouse import fill
    from dartenv.report.terminal import say

    def told(text: str) -> None:
        say(text, sys.stdout)

    fill(stages, settings, told, dry_run)
