"""Runs in the target interpreter after inside_packages.py: modules and libraries by their place."""

import os
import re
import sys

MYPY = False
if MYPY:
    from typing import Any, Dict, List, Optional, Set

    from dartenv.facts.inside_packages import EXTENSION_ENDS, compiled, listing

LIBRARY = re.compile(
    r"(?:lib)?(?:cudart|cublas|cudnn|cufft|curand|cusparse|cusolver|nvrtc|onnxruntime|directml)"
    r"[\w.+-]*(?:\.dll|\.so(?:\.[\d.]+)?|\.dylib)$",
    re.IGNORECASE,
)
LOOSE_LIMIT = 300
SOURCE_BYTES = 262144


def watched(
    wanted: "List[Dict[str, Any]]", distributions: "List[Dict[str, Any]]"
) -> "List[Dict[str, Any]]":
    """The modules asked for that exist: where they are, and what their source says of itself."""
    found: List[Dict[str, Any]] = []
    for request in wanted:
        place = module_place(request["name"])
        if place is None:
            continue
        owner = owner_of(request["name"], place, distributions)
        facts = module(request["name"], place, owner)
        for source in request.get("files", []):
            path = os.path.join(place, *source["path"].split("/"))
            read_source(path, source, facts)
        found.append(facts)
    return found


def module(name: "str", place: "str", owner: "Optional[str]") -> "Dict[str, Any]":
    return {
        "name": name,
        "path": place,
        "distribution": owner,
        "extensions": compiled(place) if os.path.isdir(place) else [],
        "constants": {},
        "words": [],
        "problem": None,
    }


def module_place(name: "str") -> "Optional[str]":
    """The folder or file that importing ``name`` would take; nothing is imported."""
    from importlib.util import find_spec

    try:
        spec = find_spec(name)
    except Exception:  # a finder of the target's own may break in any way
        return None
    if spec is None:
        return None
    if spec.submodule_search_locations:
        return str(next(iter(spec.submodule_search_locations)))
    return spec.origin


def owner_of(name: "str", place: "str", distributions: "List[Dict[str, Any]]") -> "Optional[str]":
    folder = os.path.dirname(place)
    for one in distributions:
        if name in one["top_level"] and (
            one["editable"] or os.path.normcase(one["location"]) == os.path.normcase(folder)
        ):
            return str(one["name"])
    return None


def read_source(path: "str", wanted: "Dict[str, Any]", facts: "Dict[str, Any]") -> "None":
    """Literals and words of one source file, read as text."""
    try:
        with open(path, "rb") as stream:
            text = stream.read(SOURCE_BYTES).decode("utf-8", "replace")
    except OSError as error:
        if wanted.get("required"):
            facts["problem"] = "%s: %s" % (os.path.basename(path), error.strerror or error)
        return
    for name in wanted.get("constants", []):
        value = literal(text, name)
        if value is not None:
            facts["constants"][name] = value
    facts["words"].extend(
        word for word in wanted.get("words", []) if re.search(r"\b%s\b" % re.escape(word), text)
    )


def literal(text: "str", name: "str") -> "Optional[str]":
    """The last ``name = 'text'`` (or number, or None) at the start of a line, as text."""
    pattern = r"^%s\s*(?::[^=\n]+)?=\s*(?:(['\"])(.*?)\1|([\w.]+))" % re.escape(name)
    values = [m.group(2) if m.group(1) else m.group(3) for m in re.finditer(pattern, text, re.M)]
    return values[-1] if values else None


def loose(
    entries: "List[str]", distributions: "List[Dict[str, Any]]", skip: "Set[str]"
) -> "List[Dict[str, Any]]":
    """Importable names outside the standard library that no distribution owns."""
    standard = standard_places()
    found: List[Dict[str, Any]] = []
    for entry in entries:
        if os.path.normcase(entry) in standard:
            continue
        owned = {
            name
            for one in distributions
            if one["editable"] or one["location"] == entry
            for name in one["top_level"]
        }
        for item, folder in listing(entry).items():
            name = item.split(".")[0]
            if name in owned or name in skip or name.startswith("_") or not name.isidentifier():
                continue
            place = os.path.join(entry, item)
            if item.endswith((".py", *EXTENSION_ENDS)) or (
                folder and item == name and "__init__.py" in listing(place)
            ):
                found.append(module(name, place, None))
            if len(found) >= LOOSE_LIMIT:
                return found
    return found


def standard_places() -> "Set[str]":
    library = os.path.dirname(os.__file__)
    places = [library, os.path.join(library, "lib-dynload"), sys.prefix, sys.exec_prefix]
    places += [getattr(sys, "base_prefix", ""), os.path.dirname(sys.executable)]
    places += [os.path.join(sys.prefix, "DLLs"), os.path.join(sys.base_prefix, "DLLs")]
    return {os.path.normcase(os.path.abspath(place)) for place in places if place}


def libraries(entries: "List[str]") -> "List[Dict[str, Any]]":
    """CUDA, cuDNN and ONNX Runtime libraries, by name and place."""
    found: List[Dict[str, Any]] = []
    for entry in entries:
        there = listing(entry)
        for package, inside in (("torch", "lib"), ("onnxruntime", "capi")):
            if there.get(package):
                add_libraries(found, os.path.join(entry, package, inside), package)
        vendor = os.path.join(entry, "nvidia")
        for name in listing(vendor) if there.get("nvidia") else ():
            for below in ("bin", "lib", os.path.join("bin", "x86_64")):
                add_libraries(found, os.path.join(vendor, name, below), "nvidia/" + name)
    if os.path.isdir(os.path.join(sys.prefix, "conda-meta")):
        below = os.path.join("Library", "bin") if os.name == "nt" else "lib"
        add_libraries(found, os.path.join(sys.prefix, below), "conda")
    if os.name == "nt":
        system = os.path.join(os.environ.get("SYSTEMROOT", "C:\\Windows"), "System32")
        planted = os.path.join(system, "onnxruntime.dll")
        if os.path.isfile(planted):
            found.append({"name": "onnxruntime.dll", "path": planted, "owner": "System32"})
    return found


def add_libraries(found: "List[Dict[str, Any]]", folder: "str", owner: "str") -> "None":
    for name in listing(folder):
        if LIBRARY.match(name):
            found.append({"name": name, "path": os.path.join(folder, name), "owner": owner})
