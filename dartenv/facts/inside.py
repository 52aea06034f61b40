"""Runs in the target interpreter: what it is and what surrounds it, printed as one line of JSON.

Standard library only, Python 3.6 syntax, nothing imported that the target could shadow with a
package of its own. The companion :mod:`inside_packages` is executed into the same namespace, so
this file names its functions without importing them.
"""

import json
import os
import struct
import sys

MYPY = False
if MYPY:
    from typing import Any, Dict, List, Optional

    from dartenv.facts.inside_packages import read_packages

BEGIN = "<<dartenv facts"
END = "dartenv facts>>"

ENVIRONMENT_NAMES = (
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONNOUSERSITE",
    "PYTHONUSERBASE",
    "PYTHONUTF8",
    "PYTHONIOENCODING",
    "PYTHONSAFEPATH",
    "PYOPENGL_PLATFORM",
)


def main(request: "str") -> "None":
    """Print the facts between the two marker words and leave at once.

    Leaving with ``os._exit`` keeps exit handlers of a foreign sitecustomize out of the answer.
    """
    facts = read_interpreter()
    facts.update(read_packages(json.loads(request)))
    text = json.dumps(plain(facts), ensure_ascii=True)
    write_all("\n%s\n%s\n%s\n" % (BEGIN, text, END))
    os._exit(0)


def write_all(text: "str") -> "None":
    """Write to descriptor 1, whatever sys.stdout has become."""
    data = text.encode("ascii")
    while data:
        data = data[os.write(1, data) :]


def plain(value: "Any") -> "Any":
    """The value with every text made of real characters: undecodable bytes become escapes."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {plain(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value


def read_interpreter() -> "Dict[str, Any]":
    """Everything but the packages, under the names of InterpreterFacts."""
    conda = os.path.isdir(os.path.join(sys.prefix, "conda-meta"))
    base = getattr(sys, "base_prefix", sys.prefix)
    return {
        "executable": sys.executable,
        "version": "%d.%d.%d" % sys.version_info[:3] + release_level(),
        "implementation": sys.implementation.name,
        "bits": struct.calcsize("P") * 8,
        "prefix": sys.prefix,
        "base_prefix": base,
        "platform": platform_name(),
        "abi": abi_tag(),
        "tags": wheel_tags(),
        "environment": environment_name(conda),
        "conda_prefix": sys.prefix if conda else None,
        "in_venv": sys.prefix != base,
        "user_site_enabled": user_site_enabled(),
        "env": {n: os.environ[n] for n in ENVIRONMENT_NAMES if n in os.environ},
        "sitecustomize": customized_by(),
        "markers": markers(),
    }


def release_level() -> "str":
    info = sys.version_info
    short = {"alpha": "a", "beta": "b", "candidate": "rc"}.get(info[3])
    return "%s%d" % (short, info[4]) if short else ""


def platform_name() -> "str":
    """As sysconfig.get_platform() spells it, without importing sysconfig."""
    if os.name == "nt":
        text = sys.version.lower()
        if "amd64" in text:
            return "win-amd64"
        return "win-arm64" if "arm64" in text else "win32"
    uname = os.uname()
    return "%s-%s" % (uname[0].lower(), uname[4])


def abi_tag() -> "str":
    """ "cp38", or "cp37m" and "cp313t" where the interpreter says so."""
    short = "cp" if sys.implementation.name == "cpython" else sys.implementation.name
    flags = getattr(sys, "abiflags", "")
    if os.name == "nt":
        # Windows has no sys.abiflags, yet wheels before 3.8 carry the "m" there as well.
        flags = "m" if sys.version_info < (3, 8) else ("t" if free_threaded() else "")
    return "%s%d%d%s" % (short, sys.version_info[0], sys.version_info[1], flags)


def free_threaded() -> "bool":
    return "free-threading" in sys.version


def wheel_tags() -> "List[str]":
    """The most exact wheel tag first, then those without a compiled part."""
    major, minor = sys.version_info[:2]
    place = platform_name().replace("-", "_").replace(".", "_")
    python = "cp%d%d" % (major, minor)
    return [
        "%s-%s-%s" % (python, abi_tag(), place),
        "%s-abi3-%s" % (python, place),
        "%s-none-any" % python,
        "py%d-none-any" % major,
    ]


def environment_name(conda: "bool") -> "Optional[str]":
    name = os.path.basename(sys.prefix.rstrip("\\/"))
    if conda:
        above = os.path.basename(os.path.dirname(sys.prefix.rstrip("\\/")))
        is_base = above != "envs" and os.path.isdir(os.path.join(sys.prefix, "condabin"))
        return "conda base" if is_base else "conda " + name
    if os.path.isfile(os.path.join(sys.prefix, "pyvenv.cfg")):
        return "venv " + name
    return None


def user_site_enabled() -> "Optional[bool]":
    site = sys.modules.get("site")
    enabled = getattr(site, "ENABLE_USER_SITE", None)
    return enabled if isinstance(enabled, bool) else None


def customized_by() -> "Optional[str]":
    """The sitecustomize or usercustomize that ran at start, by file."""
    for name in ("sitecustomize", "usercustomize"):
        module = sys.modules.get(name)
        if module is not None:
            return str(getattr(module, "__file__", None) or name)
    return None


def markers() -> "Dict[str, str]":
    """The marker environment of PEP 508.

    Written out here because the platform module starts other programs (uname, ver, WMI) on
    several of the versions that this must be quick and safe on.
    """
    if os.name == "nt":
        version = sys.getwindowsversion()  # type: ignore[attr-defined,unused-ignore]
        system, release = "Windows", "11" if version[2] >= 22000 else str(version[0])
        build = "%d.%d.%d" % (version[0], version[1], version[2])
        machine = os.environ.get("PROCESSOR_ARCHITEW6432") or os.environ.get(
            "PROCESSOR_ARCHITECTURE", ""
        )
    else:
        uname = os.uname()
        system, release, build, machine = uname[0], uname[2], uname[3], uname[4]
    info = sys.implementation.version
    implementation = "%d.%d.%d" % (info[0], info[1], info[2])
    name = {"cpython": "CPython", "pypy": "PyPy"}.get(sys.implementation.name)
    return {
        "os_name": os.name,
        "sys_platform": sys.platform,
        "platform_machine": machine,
        "platform_python_implementation": name or sys.implementation.name,
        "platform_release": release,
        "platform_system": system,
        "platform_version": build,
        "python_version": "%d.%d" % sys.version_info[:2],
        "python_full_version": "%d.%d.%d" % sys.version_info[:3] + release_level(),
        "implementation_name": sys.implementation.name,
        "implementation_version": implementation,
    }
