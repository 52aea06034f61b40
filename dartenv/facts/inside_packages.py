"""Runs in the target interpreter after inside.py: its distributions, modules and CUDA libraries.

Everything is read from files; nothing of the target is imported. importlib.metadata is left alone
on purpose: it is missing before Python 3.8, three times slower, and stops at broken metadata that
a person needs to hear about.
"""

import json
import os
import re
import sys

MYPY = False
if MYPY:
    from typing import Any, Dict, List, Optional, Set, Tuple

    from dartenv.facts.inside_modules import libraries, loose, watched

    Dist = Dict[str, Any]

EXTENSION_ENDS = (".pyd", ".so", ".dylib")
HEADER_BYTES = 32768
MOST_BYTES = 64 * 1024 * 1024  # of one metadata file; RECORD of a large package has a few
CONDA_NAMES = {"torch": "pytorch"}  # where conda calls a distribution something else

# Each folder is listed once and asked in memory after that: on Windows, and more so on a network
# drive, looking for a file that is not there is what costs.
listed: "Dict[str, Dict[str, bool]]" = {}
# What is there and cannot be read, and why.
unreadable: "Dict[str, str]" = {}


def read_packages(request: "Dict[str, Any]") -> "Dict[str, Any]":
    """Distributions in the order of sys.path, loose and watched modules, library files."""
    entries = path_entries()
    distributions: List[Dist] = []
    for entry in entries:
        distributions.extend(distributions_in(entry))
    add_conda_builds(distributions)
    user = user_site()
    leaking = {entry for entry in entries if user and same_place(entry, user)}
    return {
        "distributions": distributions,
        "user_site_packages": [d["name"] for d in distributions if d["location"] in leaking],
        "modules": watched(request.get("modules", []), distributions)
        + loose(entries, distributions, {m["name"] for m in request.get("modules", [])}),
        "dlls": libraries(entries),
        "unreadable": ["%s: %s" % (e, unreadable[e]) for e in entries if e in unreadable],
    }


def path_entries() -> "List[str]":
    """The folders of sys.path, each once."""
    seen: Set[str] = set()
    entries = []
    for entry in sys.path:
        key = os.path.normcase(os.path.realpath(entry)) if entry else ""
        if entry and key not in seen and os.path.isdir(entry):
            seen.add(key)
            entries.append(os.path.abspath(entry))
    return entries


def add_conda_builds(distributions: "List[Dist]") -> "None":
    """conda's build strings, from the names of its records: NAME-VERSION-BUILD.json."""
    builds: Dict[Tuple[str, str], str] = {}
    for name in listing(os.path.join(sys.prefix, "conda-meta")):
        parts = name[: -len(".json")].rsplit("-", 2)
        if name.endswith(".json") and len(parts) == 3:
            builds[(normalised(parts[0]), parts[1])] = parts[2]
    if builds:
        for one in distributions:
            called = CONDA_NAMES.get(str(one["name"]), str(one["name"]))
            one["build"] = builds.get((called, str(one["version"]).split("+")[0]))


def same_place(first: "str", second: "str") -> "bool":
    return os.path.normcase(os.path.realpath(first)) == os.path.normcase(os.path.realpath(second))


def user_site() -> "Optional[str]":
    site = sys.modules.get("site")
    if site is None or not getattr(site, "ENABLE_USER_SITE", False):
        return None
    return getattr(site, "USER_SITE", None)


def listing(folder: "str") -> "Dict[str, bool]":
    """The files and folders in a folder, sorted, and which is a folder; none if it cannot be read.

    What is neither, as a pipe, is left out: to open it is to wait.
    """
    if folder not in listed:
        found = []
        try:
            for entry in os.scandir(folder):
                kind = is_folder(entry)
                if kind is not None:
                    found.append((entry.name, kind))
        except (FileNotFoundError, NotADirectoryError):
            found = []
        except OSError as error:
            found = []
            unreadable[folder] = "cannot be read: %s" % (error.strerror or error)
        listed[folder] = dict(sorted(found))
    return listed[folder]


def is_folder(entry: "os.DirEntry[str]") -> "Optional[bool]":
    try:
        if entry.is_dir():
            return True
        return False if entry.is_file() else None
    except OSError:
        return False


def distributions_in(entry: "str") -> "List[Dist]":
    found = []
    for name, folder in listing(entry).items():
        if name.endswith((".dist-info", ".egg-info")):
            found.append(distribution(entry, name, os.path.join(entry, name), folder))
    if entry.endswith(".egg") and listing(entry).get("EGG-INFO"):
        found.append(distribution(entry, "EGG-INFO", os.path.join(entry, "EGG-INFO"), True))
    if "site-packages" not in entry and "dist-packages" not in entry:
        for one in found:
            # Metadata in a folder of its own on sys.path is what `pip install -e` leaves.
            one["editable"] = one["editable"] or one["folder"].endswith(".egg-info")
    for one in found:
        del one["folder"]
    return found


def distribution(location: "str", folder: "str", path: "str", is_dir: "bool") -> "Dist":
    """One distribution; broken metadata gives a ``problem`` and what the folder's name says."""
    stem = folder.rsplit(".", 1)[0]
    name, _, rest = stem.partition("-")
    found: Dist = {
        "name": normalised(name),
        "version": rest.split("-")[0],
        "location": location,
        "requires": [],
        "top_level": [],
        "tags": [],
        "direct_url": None,
        "editable": False,
        "build": None,
        "extensions": [],
        "problem": None,
        "folder": folder,
    }
    if folder.startswith(("~", "-")):
        found["problem"] = "left over from an interrupted installation: " + folder
        return found
    try:
        fill(found, path, is_dir)
    except Exception as error:  # broken metadata must not hide the other packages
        found["problem"] = "%s: %s: %s" % (folder, type(error).__name__, error)
    return found


def fill(found: "Dist", path: "str", is_dir: "bool") -> "None":
    names = ("METADATA", "PKG-INFO") if path.endswith(".dist-info") else ("PKG-INFO", "METADATA")
    there = listing(path) if is_dir else {}
    text = None
    for candidate in [os.path.join(path, n) for n in names if n in there] if is_dir else [path]:
        text = head(candidate)
        if text is not None:
            break
    if text is None:
        found["problem"] = "no %s in %s" % (names[0], os.path.basename(path))
        for place in [path] + [os.path.join(path, n) for n in names]:
            if place in unreadable:
                found["problem"] = "%s %s" % (
                    os.path.relpath(place, os.path.dirname(path)),
                    unreadable[place],
                )
    else:
        headers = parsed_headers(text)
        missing = [key for key in ("name", "version") if not headers.get(key)]
        if missing:
            found["problem"] = "%s of %s names no %s" % (
                names[0],
                os.path.basename(path),
                " and no ".join(missing),
            )
        if headers.get("name"):
            found["name"] = normalised(headers["name"][0])
        if headers.get("version"):
            found["version"] = headers["version"][0]
        found["requires"] = [r for r in headers.get("requires-dist", []) if not for_extra(r)]
    if not is_dir:
        return
    if path.endswith(("egg-info", "EGG-INFO")):
        found["requires"] = egg_requires(part(path, "requires.txt"))
    found["tags"] = parsed_headers(part(path, "WHEEL")).get("tag", [])
    try:
        url, editable = direct_url(part(path, "direct_url.json"))
    except (ValueError, AttributeError, RecursionError):
        url, editable = None, False
        found["problem"] = "direct_url.json of %s is not what pip writes" % os.path.basename(path)
    found["direct_url"], found["editable"] = url, editable
    owned, extensions = top_level(path, found["location"], editable)
    found["top_level"], found["extensions"] = owned, extensions


def part(folder: "str", name: "str") -> "str":
    """The text of one file of a metadata folder; empty where it has none."""
    return whole(os.path.join(folder, name)) if name in listing(folder) else ""


def normalised(name: "str") -> "str":
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def whole(path: "str") -> "str":
    try:
        with open(path, "rb") as stream:
            return stream.read(MOST_BYTES).decode("utf-8", "replace")
    except OSError as error:
        unreadable[path] = "cannot be read: %s" % (error.strerror or error)
        return ""


def head(path: "str") -> "Optional[str]":
    """The headers of a metadata file: all of it up to the first empty line."""
    try:
        with open(path, "rb") as stream:
            data = stream.read(HEADER_BYTES)
            if b"\n\n" not in data and b"\r\n\r\n" not in data:
                data += stream.read(MOST_BYTES)
    except OSError as error:
        unreadable[path] = "cannot be read: %s" % (error.strerror or error)
        return None
    return data.decode("utf-8", "replace")


def parsed_headers(text: "str") -> "Dict[str, List[str]]":
    headers: Dict[str, List[str]] = {}
    last: Optional[List[str]] = None
    for line in text.splitlines():
        if not line:
            break
        if line[0] in " \t":
            if last:
                last[-1] += " " + line.strip()
            continue
        key, colon, value = line.partition(":")
        if colon:
            last = headers.setdefault(key.strip().lower(), [])
            last.append(value.strip())
    return headers


def for_extra(requirement: "str") -> "bool":
    return re.search(r"\bextra\s*[=!]=|[=!]=\s*extra\b", requirement.partition(";")[2]) is not None


def egg_requires(text: "str") -> "List[str]":
    """requires.txt: plain lines, ``[:marker]`` sections; sections of an extra are left out."""
    found = []
    marker, wanted = "", True
    for line in (one.strip() for one in text.splitlines()):
        if line.startswith("["):
            extra, _, marker = line.strip("[]").partition(":")
            wanted = not extra
        elif line and wanted:
            found.append("%s; %s" % (line, marker) if marker else line)
    return found


def direct_url(text: "str") -> "Tuple[Optional[str], bool]":
    """The address a distribution was installed from, without a user name or password."""
    if not text:
        return None, False
    data = json.loads(text)
    url = re.sub(r"^([a-z+]+://)[^/@]*@", r"\1", str(data.get("url", "")))
    vcs = data.get("vcs_info") or {}
    if vcs:
        url = "%s+%s@%s" % (vcs.get("vcs", "git"), url, vcs.get("commit_id", ""))
    return url, bool((data.get("dir_info") or {}).get("editable"))


def top_level(path: "str", location: "str", editable: "bool") -> "Tuple[List[str], List[str]]":
    """Importable names a distribution owns, namespace packages left out, and compiled modules."""
    text = part(path, "top_level.txt")
    names = {line.strip() for line in text.splitlines() if line.strip()}
    if not names:
        names = recorded_names(part(path, "RECORD"))
    owned: List[str] = []
    extensions: List[str] = []
    beside = listing(location)
    for name in sorted(names):
        place = os.path.join(location, name)
        if beside.get(name) and "__init__.py" in listing(place):
            owned.append(name)
            extensions.extend(compiled(place))
        elif editable or name + ".py" in beside or extension_alone(beside, name):
            owned.append(name)
    return owned, extensions


def extension_alone(beside: "Dict[str, bool]", name: "str") -> "bool":
    """Whether the name is one compiled module beside the packages, as _cffi_backend is."""
    return any(one.startswith(name + ".") and one.endswith(EXTENSION_ENDS) for one in beside)


def recorded_names(record: "str") -> "Set[str]":
    names = set()
    for line in record.splitlines():
        first, slash, _ = line.split(",")[0].strip('"').replace("\\", "/").partition("/")
        if not slash:
            first = first.split(".")[0] if first.endswith((".py", *EXTENSION_ENDS)) else ""
        if first.isidentifier() and first != "__pycache__":
            names.add(first)
    return names


def compiled(folder: "str") -> "List[str]":
    """Extension modules directly in a package folder, for whatever Python they were built."""
    name = os.path.basename(folder)
    return ["%s/%s" % (name, one) for one in listing(folder) if one.endswith(EXTENSION_ENDS)][:20]
