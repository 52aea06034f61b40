"""Makes the files of a format and puts them into a folder, or one after the other on a screen."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List

from dartenv.envfiles.stack import Stack
from dartenv.errors import UsageFault
from dartenv.manifests.loader import Manifests


def rendered(kind: str, stack: Stack, manifests: Manifests) -> Dict[str, str]:
    """File name -> text, of ``requirements``, ``conda``, ``uv`` or ``dockerfile``."""
    if kind == "requirements":
        from dartenv.envfiles.requirements import requirements

        return requirements(stack)
    if kind == "conda":
        from dartenv.envfiles.conda import conda

        return conda(stack)
    if kind == "uv":
        from dartenv.envfiles.uv import uv

        return uv(stack)
    from dartenv.envfiles.dockerfile import dockerfile

    return dockerfile(stack, manifests)


def printed(files: Dict[str, str]) -> str:
    """The one file, or each under a comment with its name."""
    if len(files) == 1:
        return next(iter(files.values()))
    return "\n".join(f"# ---- {name}\n{text}" for name, text in files.items())


def write(files: Dict[str, str], folder: Path, force: bool) -> List[Path]:
    """Write all or none. Raises UsageFault for one that is there with another content."""
    paths = {folder / name: text.encode("utf-8") for name, text in files.items()}
    try:
        for path, data in paths.items():
            if path.exists() and not force and path.read_bytes() != data:
                raise UsageFault(
                    f"{path} is there and differs", "a folder without it", "another -o, or --force"
                )
        folder.mkdir(parents=True, exist_ok=True)
        for path, data in paths.items():
            temp = path.with_name(path.name + ".dartenv-new")
            temp.write_bytes(data)
            temp.replace(path)
    except OSError as error:
        raise UsageFault(
            f"{error.filename or folder}: {error.strerror}", "a folder that can be written to"
        ) from None
    return list(paths)
