"""What pip, uv and conda say when an install fails, mined to one line. Texts are the tools' own."""

from __future__ import annotations

from typing import Tuple

import pytest

from dartenv.bootstrap.failures import UNKNOWN, masked, mine

ZEROS = "0" * 64
GOT = "721200f2f0e9960f2ca9dc3a2a706b201f5f75d812c158f059cbbe29eeafbdb8"

# (tool, cause, what the summary has to name, output)
SAID: Tuple[Tuple[str, str, str, str], ...] = (
    (
        "pip",
        "hash-mismatch",
        "absl-py==2.5.1",
        (
            "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated"
            " the package versions, please update the hashes. Otherwise, examine the package contents"
            " carefully; someone may have tampered with them.\n"
            "    absl-py==2.5.1 from file:///w/absl_py-2.5.1-py3-none-any.whl (from -r r.txt (line 1)):\n"
            f"        Expected sha256 {ZEROS}\n             Got        {GOT}\n"
        ),
    ),
    (
        "uv",
        "hash-mismatch",
        "721200f2f0e9",
        (
            "error: Failed to download `absl-py==2.5.1`\n  cause: Hash mismatch for `absl-py==2.5.1`\n\n"
            f"         Expected:\n           sha256:{ZEROS}\n\n         Computed:\n           sha256:{GOT}\n"
        ),
    ),
    (
        "pip",
        "wrong-index",
        "cu118",
        (
            "ERROR: Could not find a version that satisfies the requirement torch==2.4.1+cu118 (from"
            " versions: 2.0.1, 2.4.1)\nERROR: No matching distribution found for torch==2.4.1+cu118\n"
        ),
    ),
    (
        "pip",
        "no-wheel-for-python",
        "numpy==1.19.5",
        (
            "ERROR: Could not find a version that satisfies the requirement numpy==1.19.5 (from versions:"
            " 1.23.2, 1.26.4)\nERROR: No matching distribution found for numpy==1.19.5\n"
        ),
    ),
    (
        "pip",
        "no-wheel-for-python",
        "win_amd64",
        "ERROR: x-1.0-cp36-cp36m-win_amd64.whl is not a supported wheel on this platform.\n",
    ),
    (
        "pip",
        "not-in-index",
        "no-such-body",
        (
            "ERROR: Could not find a version that satisfies the requirement no-such-body==3.0 (from"
            " versions: none)\nERROR: No matching distribution found for no-such-body==3.0\n"
        ),
    ),
    (
        "uv",
        "not-in-index",
        "torch",
        (
            "error: No solution found when resolving dependencies\n  cause: Because torch was not found in"
            " the provided package locations and you require torch==2.4.1, we can conclude that your"
            " requirements are unsatisfiable.\n"
        ),
    ),
    (
        "pip",
        "python-too-old",
        "3.8.10",
        "ERROR: Package 'tyro' requires a different Python: 3.8.10 not in '>=3.9'\n",
    ),
    (
        "pip",
        "tls-proxy",
        "company proxy",
        (
            "WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after"
            " connection broken by 'SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]"
            " certificate verify failed: self signed certificate in certificate chain (_ssl.c:1131)'))':"
            " /simple/six/\nCould not fetch URL https://pypi.org/simple/six/: There was a problem"
            " confirming the ssl certificate: HTTPSConnectionPool(host='pypi.org', port=443): Max retries"
            " exceeded with url: /simple/six/ (Caused by SSLError(SSLCertVerificationError(1, '[SSL:"
            " CERTIFICATE_VERIFY_FAILED] certificate verify failed: self signed certificate in certificate"
            " chain (_ssl.c:1131)'))) - skipping\n"
        ),
    ),
    (
        "pip",
        "proxy",
        "407",
        (
            "WARNING: Retrying (Retry(total=0)) after connection broken by 'ProxyError('Cannot connect to"
            " proxy.', OSError('Tunnel connection failed: 407 Proxy Authentication Required'))': /simple/\n"
            "ERROR: Could not find a version that satisfies the requirement six (from versions: none)\n"
        ),
    ),
    (
        "pip",
        "disk-full",
        "disk",
        "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n",
    ),
    (
        "pip",
        "disk-full",
        "disk",
        (
            "ERROR: Could not install packages due to an OSError: [WinError 112] There is not enough space"
            " on the disk: 'C:\\\\Users\\\\李明\\\\envs\\\\dart'\n"
        ),
    ),
    (
        "pip",
        "file-in-use",
        "another",
        (
            "ERROR: Could not install packages due to an OSError: [WinError 32] The process cannot access"
            " the file because it is being used by another process: 'c:\\\\envs\\\\numpy\\\\core.pyd'\n"
        ),
    ),
    (
        "pip",
        "compiler-missing",
        "compiler",
        (
            'error: Microsoft Visual C++ 14.0 or greater is required. Get it with "Microsoft C++ Build'
            ' Tools": https://visualstudio.microsoft.com/visual-cpp-build-tools/\n'
        ),
    ),
    (
        "uv",
        "network",
        "reached",
        (
            "error: Failed to fetch: http://127.0.0.1:9/simple/six/\n  cause: tcp connect error\n"
            "  cause: Connection refused (os error 111)\n"
        ),
    ),
    (
        "conda",
        "wrong-index",
        "channel",
        (
            "UnavailableInvalidChannel: HTTP 404 NOT FOUND for channel simple"
            " <https://pypi.tuna.tsinghua.edu.cn/simple>\n\nThe channel is not accessible or is invalid.\n"
        ),
    ),
    (
        "conda",
        "not-in-index",
        "pytorch3d=0.7.8",
        (
            "PackagesNotFoundError: The following packages are not available from current channels:\n\n"
            "  - pytorch3d=0.7.8\n\nCurrent channels:\n\n  - https://conda.anaconda.org/conda-forge\n"
        ),
    ),
    (
        "pip",
        "externally-managed",
        "operating system",
        "error: externally-managed-environment\n\n× This environment is externally managed\n",
    ),
    ("pip", "pip-missing", "pip", "/env/bin/python: No module named pip\n"),
    ("pip", "interrupted", "interrupted", "Collecting six\nERROR: Operation cancelled by user\n"),
)


@pytest.mark.parametrize(
    ("tool", "cause", "named", "output"), SAID, ids=[f"{t} {c} {n}" for t, c, n, _ in SAID]
)
def test_the_cause_is_told_in_one_line(tool: str, cause: str, named: str, output: str) -> None:
    noise = "Collecting six\n  Downloading six-1.16.0-py2.py3-none-any.whl (11 kB)\n"
    found = mine(noise + output, tool)
    assert found.cause == cause
    assert named.lower() in found.summary.lower()
    assert found.remedy
    assert "\n" not in found.summary
    assert "{" not in found.summary + found.remedy  # every value found its place


def test_the_summary_names_what_was_shown_and_what_was_expected() -> None:
    found = mine(SAID[0][3], "pip")
    assert GOT[:12] in found.summary
    assert ZEROS[:12] in found.summary


def test_colours_and_progress_bars_do_not_hide_the_cause() -> None:
    output = "\x1b[31mERROR: [Errno 28] \x1b[1mNo space left on device\x1b[0m\n"
    assert mine(output, "pip").cause == "disk-full"


def test_an_unknown_failure_gives_the_tools_own_words() -> None:
    found = mine(
        "Collecting six\nerror: package directory 'projects' does not exist\ndone\n", "pip"
    )
    assert found.cause == UNKNOWN
    assert "package directory 'projects' does not exist" in found.line


@pytest.mark.parametrize(
    "output",
    ["", "\x00" * 1000, "x" * 2_000_000, "\ud800 broken"],
    ids=["nothing", "zeros", "an endless line", "half a letter"],
)
def test_any_text_gives_an_answer(output: str) -> None:
    assert mine(output, "pip").summary


def test_logins_and_tokens_are_not_shown() -> None:
    line = "ERROR: 401 Client Error for url: https://me:secret@index.example/simple?token=abcdef123"
    shown = mine(line, "pip")
    assert "secret" not in shown.line + shown.summary
    assert "abcdef123" not in shown.line + shown.summary
    assert masked("Authorization: Bearer abcdefghijk") == "Authorization: Bearer ***"
