"""Byte-pair encoding, against CLIP's own tokens and against the rule written plainly."""

from __future__ import annotations

import gzip
import importlib.util
import os
import random
from pathlib import Path

import pytest

from dartenv.errors import UsageFault
from dartenv.runtime import tokenizer as t

# Tokens that openai/CLIP's clip.tokenize(text, truncate=True) gives, without the two ends.
CLIP = {
    "a photo of a cat": [320, 1125, 539, 320, 2368],
    "walk forward": [2374, 2342],
    "": [],
    "it's WALKING in circles, 2 times!": [585, 568, 3941, 530, 19411, 267, 273, 1661, 256],
    "向前走": [41673, 239, 161, 231, 235, 164, 113, 364],
    "走路👍🏽🚶‍♂️ wave": [164, 113, 108, 164, 115, 363, 4686, 8514, 46060, 10613, 4535],
    "“quoted” it’s": [257, 27706, 257, 585, 568],
    "&amp;lt;b&gt;": [283, 321, 285],
    "<|endoftext|> x": [49407, 343],
    "É café ＡＢ３ Ⅷ": [4166, 15304, 3937, 274, 158, 227, 371],
    "naïve\tÃ©\u2028walk": [1097, 35689, 563, 4166, 2374],
}


def _clip_vocabulary():
    given = os.environ.get("DARTENV_TEST_CLIP_VOCABULARY")
    if given:
        return Path(given)
    spec = importlib.util.find_spec("clip")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "bpe_simple_vocab_16e6.txt.gz"


@pytest.fixture
def clip():
    path = _clip_vocabulary()
    if path is None or not path.is_file():
        pytest.skip("needs CLIP's vocabulary: DARTENV_TEST_CLIP_VOCABULARY")
    return t.ClipTokenizer(path)


def _write(path, merges):
    text = "\n".join(["header", *merges, "too many"])
    path.write_bytes(gzip.compress(text.encode("utf-8")))
    return t.ClipTokenizer(path, len(merges) + 514, 77)


def _plainly(word, merges):
    """The textbook rule: join the pair that stands first in the list, everywhere, until none."""
    parts = [*word[:-1], word[-1] + "</w>"]
    while True:
        pairs = [merge for merge in merges if merge in set(zip(parts, parts[1:]))]
        if not pairs:
            return parts
        out, at = [], 0
        while at < len(parts):
            if tuple(parts[at : at + 2]) == pairs[0]:
                out.append("".join(pairs[0]))
                at += 2
            else:
                out.append(parts[at])
                at += 1
        parts = out


def test_words_are_joined_as_the_rule_says(tmp_path):
    source = random.Random(3)
    symbols = ["a", "b", "c", "a</w>", "b</w>", "c</w>"]
    merges = []
    while len(merges) < 40:
        left = source.choice([s for s in symbols if not s.endswith("</w>")])
        pair = (left, source.choice(symbols))
        if "".join(pair) not in symbols:
            merges.append(pair)
            symbols.append("".join(pair))
    encode = _write(tmp_path / "v.gz", [" ".join(pair) for pair in merges])
    names = {512 + place: "".join(pair) for place, pair in enumerate(merges)}
    names.update({ord(letter) - 33: letter for letter in "abc"})
    names.update({ord(letter) - 33 + 256: letter + "</w>" for letter in "abc"})
    for _ in range(300):
        word = "".join(source.choices("abc", k=source.randint(1, 14)))
        assert [names[token] for token in encode.encode(word)] == _plainly(word, merges), word


def test_a_long_text_is_cut_and_keeps_both_ends(tmp_path):
    encode = _write(tmp_path / "v.gz", ["a b"])
    ids, cut = encode("a " * 500)
    assert len(ids) == 77
    assert (ids[0], ids[-1]) == (encode.start, encode.end) == (513, 514)
    assert cut == 502 - 77
    assert encode("") == ([513, 514], 0)
    assert encode("a" * 75).cut == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("walk, then run!", ["walk", ",", "then", "run", "!"]),
        ("it's they'll 'tis", ["it", "'s", "they", "'ll", "'t", "is"]),
        ("route 66b", ["route", "6", "6", "b"]),
        ("向前走2步。", ["向前走", "2", "步", "。"]),
        ("wave👋🏽now", ["wave", "👋🏽", "now"]),
        ("<|endoftext|>a", ["<|endoftext|>", "a"]),
        ("a_b--c", ["a", "_", "b", "--", "c"]),
        ("", []),
    ],
)
def test_a_text_is_cut_as_clips_pattern_cuts_it(text, expected):
    assert t.words(text) == expected


def test_plain_text_needs_no_ftfy_and_other_text_says_so(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "ftfy", None)
    assert t.clean("walk forward, then turn (left)!") == "walk forward, then turn (left)!"
    with pytest.raises(UsageFault, match="pip install ftfy"):
        t.clean("走路")


def test_other_text_is_cleaned_as_clip_does():
    pytest.importorskip("ftfy")
    assert t.clean("“it’s” &amp;lt;b&gt; ＡＢ") == '"it\'s" <b> AB'


@pytest.mark.parametrize("data", [b"", b"no gzip", gzip.compress(b"header\na b\n")[:-9]])
def test_a_broken_vocabulary_is_named(tmp_path, data):
    path = tmp_path / "v.gz"
    path.write_bytes(data)
    with pytest.raises(UsageFault, match=r"v\.gz"):
        t.ClipTokenizer(path, 516)
    with pytest.raises(UsageFault, match="not there"):
        t.ClipTokenizer(tmp_path / "w.gz")


@pytest.mark.parametrize(("text", "tokens"), CLIP.items())
def test_clips_own_tokens(clip, text, tokens):
    pytest.importorskip("ftfy")
    assert clip(text).ids == [49406, *tokens, 49407]
