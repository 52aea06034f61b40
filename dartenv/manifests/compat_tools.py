"""The type of ``compat/tools.toml``: conda, pip and git."""

from __future__ import annotations

from typing import Tuple

from dartenv.manifests.schema import Manifest


class ToolsTable(Manifest, frozen=True, kw_only=True):
    """Where conda, pip and git keep what they were told; ``%X%`` is an environment variable."""

    id: str
    source: str
    conda_windows: Tuple[str, ...]
    conda_posix: Tuple[str, ...]
    programs_windows: Tuple[str, ...]
    programs_posix: Tuple[str, ...]
    anaconda_keys: Tuple[str, ...]
    condarc_windows: Tuple[str, ...]
    condarc_posix: Tuple[str, ...]
    condarc_max_bytes: int
    index_endings: Tuple[str, ...]
    index_parts: Tuple[str, ...]
    dead_channels: Tuple[str, ...]
    channel_source: str
    pip_windows: Tuple[str, ...]
    pip_posix: Tuple[str, ...]
    pip_keys: Tuple[str, ...]
    pip_source: str
    git_windows: Tuple[str, ...]
    git_posix: Tuple[str, ...]
    git_source: str
    shell_mark: str
    documents_key: str
    documents_value: str
    powershell_files: Tuple[str, ...]  # below the Documents folder, Windows PowerShell's first
    powershell_profiles: Tuple[str, ...]
    cmd_autorun_key: str
    cmd_autorun_value: str
    cmd_autorun_mark: str
    posix_profiles: Tuple[str, ...]
    public_hosts: Tuple[str, ...]  # servers that anyone may know of, with those below them
    public_owners: Tuple[str, ...]  # whose repository of DART anyone may know of
