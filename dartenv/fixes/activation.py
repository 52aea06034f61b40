"""The text of activation scripts: set variables, and give the old values back on deactivation.

What a variable was before is kept in ``_DARTENV_OLD_name``, and ``_DARTENV_SET_name`` says that
it was kept: activating twice keeps the first value, and a variable added while the environment is
active is not taken for one to restore. The scripts hold nothing but ASCII unless a value does.
"""

from __future__ import annotations

from typing import Callable, Dict, List, Mapping

from dartenv.facts.activation import CONDA_NAME, VENV_NAME, Home, Variable

HEAD = "Variables of this environment, set by dartenv; dartenv fix --undo takes them away."
HOOKS = "dartenv-hooks"  # goes on PATH, so that cmd finds our deactivate before the venv's own

Variables = Mapping[str, Variable]


def scripts(home: Home, variables: Variables) -> Dict[str, bytes]:
    """Every script of the environment, by its path. The values are free of line ends."""
    return conda_scripts(home, variables) if home.conda else venv_scripts(home, variables)


def conda_scripts(home: Home, variables: Variables) -> Dict[str, bytes]:
    """The pairs for conda: ``.sh``, and on Windows ``.bat`` and ``.ps1`` too."""
    endings = (".bat", ".ps1", ".sh") if home.windows else (".sh",)
    found: Dict[str, bytes] = {}
    for ending in endings:
        begin, end, encode = _SHELLS[ending]
        for folder, lines in (("activate.d", begin(variables)), ("deactivate.d", end(variables))):
            path = home.path("etc", "conda", folder, CONDA_NAME + ending)
            found[path] = encode(_with_ends(ending, lines))
    return found


def venv_scripts(home: Home, variables: Variables) -> Dict[str, bytes]:
    """Scripts that call the environment's own activate, and then set the variables."""
    found = {home.path(VENV_NAME + ".sh"): _encode_sh(_venv_sh(home, variables))}
    if home.windows:
        found[home.path(VENV_NAME + ".bat")] = _encode_bat(_venv_bat(variables))
        found[home.path(VENV_NAME + ".ps1")] = _encode_ps1(_venv_ps1(variables))
        hook = [_REM, *bat_restore(variables), *_VENV_BAT_END]
        found[home.path(HOOKS, "deactivate.bat")] = _encode_bat(hook)
    return found


def own_scripts(home: Home) -> Dict[str, str]:
    """The scripts of a virtual environment that ours call: ending of ours -> path."""
    folder = "Scripts" if home.windows else "bin"
    found = {".sh": home.path(folder, "activate")}
    if home.windows:
        found[".bat"] = home.path(folder, "activate.bat")
        found[".ps1"] = home.path(folder, "Activate.ps1")
    return found


def bat_set(variables: Variables) -> List[str]:
    """Lines of a batch file."""
    lines: List[str] = []
    for name, (value, when) in sorted(variables.items()):
        guard = f"if defined {when} " if when else ""
        kept = f"if not defined _DARTENV_SET_{name} set"
        lines += [
            f'@{guard}{kept} "_DARTENV_OLD_{name}=%{name}%"',
            f'@{guard}set "_DARTENV_SET_{name}=1"',
            f'@{guard}{"@" if when else ""}set "{name}={value.replace("%", "%%")}"',
        ]
    if all(line.isascii() for line in lines):
        return lines
    # cmd reads a batch file in the code page of the moment.
    return [
        """@for /f "tokens=2 delims=:." %%a in ('chcp') do @set _DARTENV_CP=%%a""",
        "@chcp 65001 >nul",
        *lines,
        "@if defined _DARTENV_CP chcp %_DARTENV_CP% >nul",
        '@set "_DARTENV_CP="',
    ]


def bat_restore(variables: Variables) -> List[str]:
    """Lines of a batch file."""
    lines: List[str] = []
    for name in sorted(variables):
        lines += [
            f'@if defined _DARTENV_SET_{name} set "{name}=%_DARTENV_OLD_{name}%"',
            f'@set "_DARTENV_OLD_{name}="',
            f'@set "_DARTENV_SET_{name}="',
        ]
    return lines


def sh_set(variables: Variables) -> List[str]:
    """Lines for any POSIX shell, also under ``set -eu``."""
    lines: List[str] = []
    for name, (value, when) in sorted(variables.items()):
        test = f'[ -n "${{{when}-}}" ] && ' if when else ""
        guard = f'[ -z "${{{when}-}}" ] || ' if when else ""
        quoted = value.replace("'", "'\\''")
        lines += [
            f'if {test}[ -z "${{_DARTENV_SET_{name}-}}" ]; then',
            f'    if [ -n "${{{name}+x}}" ]; then export _DARTENV_OLD_{name}="${name}"; fi',
            f"    export _DARTENV_SET_{name}=1",
            "fi",
            f"{guard}export {name}='{quoted}'",
        ]
    return lines


def sh_restore(variables: Variables) -> List[str]:
    """Lines for any POSIX shell, also under ``set -eu``."""
    lines: List[str] = []
    for name in sorted(variables):
        old = f"_DARTENV_OLD_{name}"
        lines += [
            f'if [ -n "${{_DARTENV_SET_{name}-}}" ]; then',
            f'    if [ -n "${{{old}+x}}" ]; then export {name}="${old}"; else unset {name}; fi',
            f"    unset _DARTENV_SET_{name} {old}",
            "fi",
        ]
    return lines


def ps1_set(variables: Variables) -> List[str]:
    """Lines for PowerShell 5 and 7."""
    lines: List[str] = []
    for name, (value, when) in sorted(variables.items()):
        quoted = "".join(c * 2 if c in _PS1_QUOTES else c for c in value)
        guard = f"$Env:{when} -and " if when else ""
        setting = f"$Env:{name} = '{quoted}'"
        lines += [
            f"if ({guard}-not $Env:_DARTENV_SET_{name}) {{",
            f"    if (Test-Path Env:{name}) {{ $Env:_DARTENV_OLD_{name} = $Env:{name} }}",
            f"    $Env:_DARTENV_SET_{name} = '1'",
            "}",
            f"if ($Env:{when}) {{ {setting} }}" if when else setting,
        ]
    return lines


def ps1_restore(variables: Variables) -> List[str]:
    """Lines for PowerShell 5 and 7."""
    lines: List[str] = []
    for name in sorted(variables):
        lines += [
            f"if ($Env:_DARTENV_SET_{name}) {{",
            f"    $Env:{name} = $Env:_DARTENV_OLD_{name}",
            f"    $Env:_DARTENV_OLD_{name} = $null",
            f"    $Env:_DARTENV_SET_{name} = $null",
            "}",
        ]
    return lines


# PowerShell takes the typographic quotes for the plain one.
_PS1_QUOTES = "'\u2018\u2019\u201a\u201b"
_REM = f"@rem {HEAD}"
# conda gives up on an activation whose script ends with another status.
_EXIT = "@exit /b 0"
_VENV_BAT_END = [r'@call "%~dp0..\Scripts\deactivate.bat"', _EXIT]


def _venv_bat(variables: Variables) -> List[str]:
    return [
        _REM,
        r"@rem Run it in place of Scripts\activate.bat, which it calls.",
        r'@call "%~dp0Scripts\activate.bat"',
        *bat_set(variables),
        f'@if defined VIRTUAL_ENV set "PATH=%~dp0{HOOKS};%PATH%"',
        _EXIT,
    ]


def _venv_ps1(variables: Variables) -> List[str]:
    return [
        f"# {HEAD}",
        r"# Run it in place of Scripts\Activate.ps1, which it calls.",
        r". (Join-Path $PSScriptRoot 'Scripts\Activate.ps1')",
        *ps1_set(variables),
        "$global:_DartenvDeactivate = $function:deactivate",
        "function global:deactivate ([switch]$NonDestructive) {",
        *_indented(ps1_restore(variables)),
        "    & $global:_DartenvDeactivate -NonDestructive:$NonDestructive",
        "}",
    ]


def _venv_sh(home: Home, variables: Variables) -> List[str]:
    own = own_scripts(home)[".sh"].replace("\\", "/") if home.windows else own_scripts(home)[".sh"]
    quoted = own.replace("'", "'\\''")
    return [
        f"# {HEAD}",
        f"# Source it in place of {'Scripts' if home.windows else 'bin'}/activate, which it calls.",
        f". '{quoted}'",
        *sh_set(variables),
        "# The environment's own deactivate goes on under another name, where the shell can do that.",
        'if [ -n "${BASH_VERSION-}${ZSH_VERSION-}" ]; then',
        '    eval "_dartenv_$(typeset -f deactivate)"',
        "    deactivate () {",
        *_indented(_indented(sh_restore(variables))),
        '        _dartenv_deactivate "$@"',
        "    }",
        "fi",
    ]


def _begin(
    comment: str, body: Callable[[Variables], List[str]]
) -> Callable[[Variables], List[str]]:
    return lambda variables: [f"{comment} {HEAD}", *body(variables)]


def _with_ends(ending: str, lines: List[str]) -> List[str]:
    return [*lines, _EXIT] if ending == ".bat" else lines


def _encode_bat(lines: List[str]) -> bytes:
    return "".join(line + "\r\n" for line in lines).encode("utf-8")


def _encode_ps1(lines: List[str]) -> bytes:
    text = "".join(line + "\r\n" for line in lines)
    # Windows PowerShell reads a file without the mark in the ANSI code page.
    return text.encode("ascii" if text.isascii() else "utf-8-sig")


def _encode_sh(lines: List[str]) -> bytes:
    return "".join(line + "\n" for line in lines).encode("utf-8")


def _indented(lines: List[str]) -> List[str]:
    return ["    " + line for line in lines]


_SHELLS = {
    ".bat": (_begin("@rem", bat_set), _begin("@rem", bat_restore), _encode_bat),
    ".ps1": (_begin("#", ps1_set), _begin("#", ps1_restore), _encode_ps1),
    ".sh": (_begin("#", sh_set), _begin("#", sh_restore), _encode_sh),
}
