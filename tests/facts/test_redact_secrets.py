"""Bundles of nasty machines: nothing personal survives, and the findings stay what they were."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import List, Tuple

import msgspec
import pytest

from dartenv.examine import Request, examine
from dartenv.facts.model import (
    ConfigValue,
    EditorFacts,
    Facts,
    HostFacts,
    LaunchFacts,
    PipFacts,
    ProbeFailure,
    SourceFacts,
    TargetFacts,
)
from dartenv.facts.redact import redact
from dartenv.manifests.loader import Manifests
from dartenv.target import Target
from tests.machines.build import FOLDER, REPOSITORY

HOST = HostFacts(
    system="windows",
    release="10",
    version="10.0.19045",
    machine="amd64",
    bits=64,
    user="CORP\\jdoe",
    hostname="ws-0471.corp.example",
    home="C:\\Users\\Jane O'Brien",
)
MANIFESTS = Manifests()
REQUEST = Request(manifests=MANIFESTS, target=Target())


def cleaned(text: str, host: HostFacts = HOST, env: Tuple[Tuple[str, str], ...] = ()) -> str:
    facts = Facts(host=host, probe_failures=(ProbeFailure(probe="x", reason=text),))
    return redact(facts, dict(env)).probe_failures[0].reason


TEXTS = [
    ("C:\\Users\\Jane O'Brien\\DART", "Brien"),
    ("'C:\\\\Users\\\\Jane O'Brien\\\\DART' is not there", "Brien"),
    ("c:/users/JANE O'BRIEN/dart", "BRIEN"),
    ("file:///C:/Users/Jane%20O%27Brien/DART", "Brien"),
    ("C:\\Users\\JANEO~1\\AppData\\Local\\Temp", "JANEO"),
    ("D:\\work\\jdoe\\DART", "jdoe"),
    ("/mnt/fast/jdoe", "jdoe"),
    ("jdoe has no right to read it", "jdoe"),
    ("JDOE@somewhere refused", "JDOE"),
    ("WS-0471 refused", "WS-0471"),
    ("ws-0471.corp.example:22 refused", "corp.example"),
    ("\\\\fileserver7\\share\\DART", "fileserver7"),
    ("'\\\\\\\\fileserver7\\\\share' is not there", "fileserver7"),
    ("//fileserver7/share/DART", "fileserver7"),
    ("D:\\OneDrive - Contoso Ltd\\DART", "Contoso"),
    ("https://jane:p@ss/word@proxy.corp.example:8080/", "p@ss"),
    ("https://jane:p/w0rd@proxy.corp.example", "w0rd"),
    ("proxy jane:hunter2@proxy.corp.example:8080", "hunter2"),
    ("https://conda.corp.example/t/ab-123456-7890/channel", "ab-123456"),
    ("https://conda.anaconda.org/t/ab-123456-7890", "ab-123456"),
    ('password = "hunter 2"', "hunter"),
    ('{"api_key": "abc123def"}', "abc123def"),
    ("--token abc123def", "abc123def"),
    ("?sig=abc123def&x=1", "abc123def"),
    ("AWS_SECRET_ACCESS_KEY=abc123def", "abc123def"),
    ("Authorization: Bearer abc123def456", "abc123def"),
    ("glpat-abcdefghij0123456789 refused", "glpat-abc"),
    ("pypi-AgEIcHlwaS5vcmcCJGFiYw refused", "AgEIc"),
    ("git@git.corp.example:team/DART.git", "corp.example"),
    ("ssh://jdoe@git.corp.example:22/DART.git", "jdoe"),
    ("jane.doe@corp.example wrote it", "jane.doe"),
    ("MIG-GPU-1b2c3d4e-5f60-7182-93a4-b5c6d7e8f901", "1b2c3d4e"),
    ("\\\\?\\Volume{1b2c3d4e-5f60-7182-93a4-b5c6d7e8f901}\\x", "1b2c3d4e"),
    ("product 00330-80000-00000-AA123", "80000"),
    ("S-1-5-21-1004336348-1177238915-682003330-512 owns it", "1004336348"),
    ("network card 00:1A:2b:3c:4d:5e", "1A:2b"),
]


@pytest.mark.parametrize(("text", "secret"), TEXTS)
def test_no_spelling_of_a_secret_survives(text: str, secret: str) -> None:
    assert secret in text
    clean = cleaned(text)
    assert secret.lower() not in clean.lower(), clean
    assert cleaned(clean) == clean


CHINESE = msgspec.structs.replace(HOST, user="李明", home="C:\\Users\\李明")


@pytest.mark.parametrize(
    "text",
    [
        "D:\\数据\\李明的文件",
        "'C:\\\\Users\\\\\\u674e\\u660e\\\\x'",
        "file:///C:/Users/%E6%9D%8E%E6%98%8E/x",
        "C:\\Users\\鏉庢槑\\x: no such file",
    ],
)
def test_no_spelling_of_a_chinese_name_survives(text: str) -> None:
    clean = cleaned(text, CHINESE)
    assert re.search("李明|674e|660e|%E6%9D%8E|鏉庢槑", clean) is None, clean
    assert cleaned(clean, CHINESE) == clean


@pytest.mark.parametrize(
    "text",
    [
        "https://download.pytorch.org/whl/cu118",
        "git+https://github.com/openai/CLIP.git@d05afc436d78f1c48dc0dbf8e5980a9d471f35f6",
        "git+https://github.com/x/y.git@v1.2.3",
        "git@github.com:zkf1997/DART.git",
        "https://pypi.tuna.tsinghua.edu.cn/simple",
        "http://localhost:8080/x",
        "C:\\Users\\Public\\x",
        "\\\\?\\C:\\long\\path",
        "\\\\wsl$\\Ubuntu\\data",
        "driver 551.61, build 10.0.19045.3803, nvidia-cudnn-cu11 8.9.5.29",
        "token_embedding.weight: 49408 x 512",
        "authlib>=1.0; python_version < '3.9'",
        "exit code 1: the artifact of an artist",
    ],
)
def test_what_is_nobodys_stays(text: str) -> None:
    host = msgspec.structs.replace(HOST, user="art", hostname="dart", home="C:\\Users\\art")
    assert cleaned(text, host) == text


def test_a_proxy_of_the_environment_is_hidden_wherever_it_is_told() -> None:
    env = (("https_proxy", "http://jane:hunter2@gate.corp.example:3128"),)
    clean = cleaned("cannot connect to gate.corp.example:3128", env=env)
    assert clean == "cannot connect to redacted-proxy-1:3128"


def test_settings_of_pip_keep_what_the_check_looks_at() -> None:
    pip = PipFacts(
        values=(
            ConfigValue(key="global.proxy", value="http://jane:hunter2@gate:3128", where="pip.ini"),
            ConfigValue(
                key="global.index-url", value="https://jane:pw0rd@pypi.corp.example/x", where="p"
            ),
            ConfigValue(key="global.trusted-host", value="pypi.corp.example:8443", where="p"),
        )
    )
    facts = Facts(host=HOST, pip=pip)
    clean = redact(facts)
    assert clean.pip is not None
    proxy, index, trusted = (one.value for one in clean.pip.values)
    assert proxy == "http://redacted-credentials-1:hidden@redacted-proxy-1:3128"
    server = trusted.partition(":")[0]
    assert index == f"https://redacted-credentials-2:hidden@{server}/x"
    assert statuses(facts, "pip.index") == statuses(clean, "pip.index")


@pytest.mark.parametrize(
    ("remote", "expected"),
    [
        ("https://github.com/zkf1997/DART.git", "https://github.com/zkf1997/DART.git"),
        ("https://github.com/anna/DART.git", "https://github.com/user-2/DART.git"),
        ("git@github.com:anna/DART", "git@github.com:user-2/DART"),
        ("https://git.corp.example/team/anna/DART/", "https://redacted-host-2/team/user-2/DART/"),
    ],
)
def test_whose_fork_it_is_stays_untold(remote: str, expected: str) -> None:
    host = msgspec.structs.replace(HOST, home=None)
    source = SourceFacts(root="D:\\DART", exists=True, is_dir=True, git_remote=remote)
    clean = redact(Facts(host=host, source=source))
    assert clean.source is not None
    assert clean.source.git_remote == expected
    assert redact(clean).source == clean.source


def test_a_secret_among_arguments_is_hidden() -> None:
    launch = LaunchFacts(name="x", args=("--wandb-token", "abc123def", "--respacing", "ddim5"))
    clean = redact(Facts(host=HOST, editor=EditorFacts(folder="D:\\x", launch=(launch,))))
    assert clean.editor is not None
    assert clean.editor.launch[0].args == (
        "--wandb-token",
        "redacted-secret-1",
        "--respacing",
        "ddim5",
    )


def test_two_values_have_two_placeholders_and_one_value_one() -> None:
    clean = cleaned("/home/anna/x /home/bert/x /home/anna/y /home/ANNA/z")
    names = re.findall(r"/home/(user-\d+)/", clean)
    assert names[0] == names[2] == names[3] != names[1]


def test_a_real_name_like_a_placeholder_is_not_mixed_up_with_one() -> None:
    host = msgspec.structs.replace(HOST, user="anna", home="/home/anna")
    clean = cleaned("/home/anna/x /home/user-1/x", host)
    assert len(set(re.findall(r"/home/([^/]+)/", clean))) == 2


def test_the_list_of_what_was_replaced_outlives_a_second_time() -> None:
    once = redact(Facts(host=HOST))
    assert redact(once) == once
    assert {item.kind for item in once.redactions} == {"user", "host"}


def statuses(facts: Facts, *select: str) -> List[Tuple[str, str]]:
    found = examine(dataclasses.replace(REQUEST, select=select), facts).report.findings
    return [(one.check, one.status.value) for one in found]


# Names that are words of the trade, folders, packages or short: replacing them must harm nothing.
NAMES = [
    "a",
    "art",
    "dart",
    "torch",
    "conda",
    "windows",
    "mld",
    "data",
    "users",
    "O'Brien",
    "Jane Doe",
    "用户甲",
    "a.very.long.name.of.an.account.of.the.domain.of.some.company.that.pays.by.the.letter",
]
MACHINES = [
    "windows-chinese-user-pristine",
    "windows-onnxruntime-1.19.2",
    "windows-no-python",
    "linux-server-no-display",
]


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", NAMES)
def test_the_bundle_has_the_findings_of_the_machine(machine: str, name: str) -> None:
    text = (FOLDER / f"{machine}.json").read_text(encoding="utf-8")
    for old in ("李明", "motion", "mzhao"):
        text = re.sub(
            rf"(?<![\w.]){old}(?![\w.])", json.dumps(name, ensure_ascii=False)[1:-1], text
        )
    text = text.replace("DESKTOP-7QK2M4A", name).replace("gpu-node-07", name)
    facts = msgspec.json.decode(text.encode("utf-8"), type=Facts)
    clean = redact(facts)
    assert statuses(clean) == statuses(facts)
    assert clean.host is not None
    assert clean.host.home is not None
    assert not re.search(rf"[\\/](?:Users|home)[\\/]+{re.escape(name)}(?=[\\/\"]|$)", str(clean))


def test_a_long_root_is_judged_by_its_own_length() -> None:
    host = msgspec.structs.replace(HOST, user="a" * 60, home="C:\\Users\\" + "a" * 60)
    facts = Facts(host=host, target=TargetFacts(dart_root=f"{host.home}\\DART-main"))
    assert statuses(facts, "host.long-paths") == [("host.long-paths", "warn")]
    assert statuses(redact(facts), "host.long-paths") == [("host.long-paths", "warn")]


def test_every_server_that_the_manifests_name_may_be_told() -> None:
    hosts = {
        host
        for path in (REPOSITORY / "manifests").rglob("*.toml")
        for host in re.findall(r"https?://([\w.-]+\.[a-z]+)", path.read_text(encoding="utf-8"))
    }
    assert len(hosts) > 10
    for host in hosts:
        assert cleaned(f"https://{host}/x") == f"https://{host}/x"
