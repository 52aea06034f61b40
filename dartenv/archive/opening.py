"""Opening what was downloaded: a zip, a tar or a folder, listed before it is believed."""

from __future__ import annotations

import os
import stat
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import IO, Callable, List, Optional

from dartenv.archive.members import READ_ERRORS, Archive, Member, too_big, too_many
from dartenv.archive.names import decoded
from dartenv.assets.sniff import os_reason, sniff
from dartenv.assets.zip_file import zip_problem
from dartenv.errors import UsageFault
from dartenv.longpath import native


def open_archive(path: str, most_bytes: int, most_members: int) -> Archive:
    """Open a zip, a tar (plain, gz, xz, bz2) or a folder and list it.

    The two limits end the listing of what unpacks to more, before that is read. Raises UsageFault.
    """
    if native(path).is_dir():
        return _folder(path, most_members)
    seen = sniff(path)
    if not seen.exists:
        raise UsageFault(f"{path}: it is not there", "an archive or a folder")
    if seen.problem is not None:
        raise UsageFault(f"{path}: {seen.problem}", "a zip, a tar or a folder", "download it again")
    size = seen.size or 0
    try:
        if seen.kind == "zip":
            return _zip(path, size, most_members)
        if seen.kind in ("tar", "gzip", "xz") or seen.head.startswith(b"BZh"):
            return _tar(path, size, most_bytes, most_members)
    except READ_ERRORS as error:
        why = _zip_reason(path, size, error) if seen.kind == "zip" else os_reason(error)
        raise UsageFault(f"{path}: {why}", "a whole archive", "download it again") from None
    raise UsageFault(
        f"{path}: {seen.kind} data", "a zip, a tar or a folder", "unpack it and import the folder"
    )


def _zip_reason(path: str, size: int, error: Exception) -> str:
    if isinstance(error, OSError):
        return os_reason(error)
    with native(path).open("rb") as stream:
        return zip_problem(error, stream, size)


def _zip(path: str, size: int, most_members: int) -> Archive:
    archive = zipfile.ZipFile(str(native(path)))
    infos = archive.infolist()
    if len(infos) > most_members:
        archive.close()
        raise too_many(path, len(infos), most_members)
    members = tuple(_zip_member(info) for info in infos)

    def opener(member: Member) -> IO[bytes]:
        return archive.open(member.token)

    return Archive(path, "zip", size, members, opener, archive.close)


def _zip_member(info: zipfile.ZipInfo) -> Member:
    name = info.orig_filename
    if not info.flag_bits & 0x800:
        # Python read it as code page 437, which gives every byte back.
        raw = name.encode("cp437", "surrogateescape") if _is_437(name) else name.encode("utf-8")
        name = _unicode_path(info, raw) or decoded(raw)
    mode = info.external_attr >> 16
    kind = "folder" if name.replace("\\", "/").endswith("/") else "file"
    if stat.S_IFMT(mode) == stat.S_IFLNK:
        kind = "link"
    elif stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        kind = "special"
    return Member(
        name=name,
        kind=kind,
        size=info.file_size,
        packed=info.compress_size,
        start=info.header_offset,
        encrypted=bool(info.flag_bits & 0x1),
        token=info,
    )


def _is_437(name: str) -> bool:
    try:
        name.encode("cp437")
    except UnicodeEncodeError:
        return False
    return True


def _unicode_path(info: zipfile.ZipInfo, raw: bytes) -> Optional[str]:
    """The Unicode path field (0x7075), where it belongs to this very name."""
    extra = info.extra
    while len(extra) >= 4:
        kind, size = int.from_bytes(extra[:2], "little"), int.from_bytes(extra[2:4], "little")
        data = extra[4 : 4 + size]
        if kind == 0x7075 and data[:5] == b"\x01" + zlib.crc32(raw).to_bytes(4, "little"):
            try:
                return data[5:].decode("utf-8") or None
            except UnicodeDecodeError:
                return None
        extra = extra[4 + size :]
    return None


def _tar(path: str, size: int, most_bytes: int, most_members: int) -> Archive:
    archive = tarfile.open(str(native(path)), "r:*")  # noqa: SIM115
    members: List[Member] = []
    total = 0
    try:
        # Listing a packed tar unpacks it: the running sum ends that in time.
        for info in archive:
            members.append(_tar_member(info))
            total += info.size
            if len(members) > most_members:
                raise too_many(path, len(members), most_members)
            if total > most_bytes:
                raise too_big(path, total, most_bytes)
    except BaseException:
        archive.close()
        raise

    def opener(member: Member) -> IO[bytes]:
        stream = archive.extractfile(member.token)
        if stream is None:
            raise tarfile.ReadError("holds no bytes")
        return stream

    return Archive(path, "tar", size, tuple(members), opener, archive.close)


def _tar_member(info: tarfile.TarInfo) -> Member:
    if info.isreg() and not info.issparse():
        kind = "file"
    elif info.isdir():
        kind = "folder"
    elif info.issym() or info.islnk():
        kind = "link"
    else:
        kind = "special"
    name = info.name
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:  # bytes that are not UTF-8: perhaps GBK
        name = decoded(name.encode("utf-8", "surrogateescape"))
    return Member(name, kind, info.size if kind == "file" else 0, token=info)


def _folder(path: str, most_members: int) -> Archive:
    members: List[Member] = []
    total = 0
    for folder, folders, files in os.walk(path, onerror=_raise_walk(path)):
        folders.sort()
        for name in sorted(files) + folders:
            full = Path(folder, name)
            relative = full.relative_to(path).as_posix()
            found = os.lstat(str(native(str(full))))
            kind = "file" if stat.S_ISREG(found.st_mode) else "special"
            if stat.S_ISDIR(found.st_mode):
                kind = "folder"
            if stat.S_ISLNK(found.st_mode) or _reparse(found):
                kind = "link"
            count = found.st_size if kind == "file" else 0
            members.append(Member(relative, kind, count, token=str(full)))
            total += count
        folders[:] = [n for n in folders if not _is_link(Path(folder, n))]
        if len(members) > most_members:
            raise too_many(path, len(members), most_members)

    def opener(member: Member) -> IO[bytes]:
        return native(member.token).open("rb")

    return Archive(path, "folder", total, tuple(members), opener, lambda: None)


def _raise_walk(path: str) -> Callable[[OSError], None]:
    def fault(error: OSError) -> None:
        raise UsageFault(f"{error.filename or path}: {os_reason(error)}", "a readable folder")

    return fault


def _reparse(found: os.stat_result) -> bool:
    return bool(
        int(getattr(found, "st_file_attributes", 0))
        & int(getattr(stat, "FILE_ATTRIBUTE_REPARSE_POINT", 0))
    )


def _is_link(path: Path) -> bool:
    found = os.lstat(str(native(str(path))))
    return stat.S_ISLNK(found.st_mode) or _reparse(found)
