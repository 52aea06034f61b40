"""What several of the hosts' tests share."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def program(tmp_path_factory):
    """The C++ core's tests as a program. Needs g++."""
    from tests.hosts.core import build

    return build(tmp_path_factory.mktemp("core"))
