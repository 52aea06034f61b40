"""Lines fold at spaces, but never within a path."""

from __future__ import annotations

import pytest

from dartenv.report.console import folded

WORDS = "a torch whose CUDA and cuDNN libraries do not fit lies in "


@pytest.mark.parametrize(
    "path",
    [
        r"C:\Users\Li Ming\My DART\mld\rollout_mld.py",
        r"D:\演示 空间\DART-main\mld_denoiser\args.yaml",
        "/home/li ming/my dart/mld/rollout_mld.py",
    ],
)
def test_a_path_with_spaces_stays_whole(path: str) -> None:
    lines = folded(WORDS + path + " and was not read", 10)
    assert any(path in line for line in lines)
    assert " ".join(lines) == WORDS + path + " and was not read"
    assert len(lines) > 1


def test_words_between_two_paths_fold() -> None:
    text = r"C:\a b\x.py and D:\c d\y.py " + "are both older than the commit, as is " * 2
    lines = folded(text, 0)
    assert all(len(line) <= 80 for line in lines)
    assert [r"C:\a b\x.py" in lines[0], r"D:\c d\y.py" in lines[0]] == [True, True]
