"""What a bundle holds of CLIP beside its text tower: the token table and the vocabulary."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

import numpy as np

from dartenv.bundle.contract import DataFile, Tokenizer
from dartenv.bundle.files import hash_file
from dartenv.errors import UsageFault
from dartenv.export.clip import text_sizes, token_table
from dartenv.export.files import ROOM
from dartenv.model.source import DartSource
from dartenv.whole import whole_file

TABLE_FILE = "clip_tokens.npy"
VOCABULARY_FILE = "tokenizer/bpe_simple_vocab_16e6.txt.gz"


def text_files(
    source: DartSource, out: Path, vocabulary: Optional[Path], stand_ins: Sequence[str]
) -> Tuple[List[DataFile], Tokenizer]:
    """The token table and vocabulary, and what they are."""
    if source.clip_state is None:
        width = source.denoiser.text
        tokenizer = Tokenizer(
            kind="hashed",
            vocabulary=None,
            table="",
            size=0,
            width=width,
            context=0,
            start_token=0,
            end_token=0,
            synthetic=True,
        )
        return [], tokenizer
    sizes = text_sizes(source.clip_state)
    half, error = token_table(source.clip_state)
    with whole_file(out / TABLE_FILE, ROOM) as part, part.open("wb") as stream:
        np.save(stream, half)
    files = [
        _data_file(
            out, TABLE_FILE, f"token embeddings, float16; halving moved none by over {error:.1e}"
        )
    ]
    name = None
    if vocabulary is not None:
        target = out / VOCABULARY_FILE
        check_vocabulary(vocabulary)
        with whole_file(target, ROOM) as part:
            part.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(str(vocabulary), str(part))
        files.append(
            _data_file(out, VOCABULARY_FILE, "CLIP's byte-pair merges, as openai/CLIP has them")
        )
        name = VOCABULARY_FILE
    tokenizer = Tokenizer(
        kind="clip-bpe",
        vocabulary=name,
        table=TABLE_FILE,
        size=sizes["vocabulary"],
        width=sizes["width"],
        context=sizes["context"],
        start_token=sizes["vocabulary"] - 2,
        end_token=sizes["vocabulary"] - 1,
        # An id of a stand-in names the file it is for: "ViT-B-32".
        synthetic=any(name.startswith("ViT") for name in stand_ins),
    )
    return files, tokenizer


def check_vocabulary(path: Path) -> None:
    """Raises UsageFault where ``path`` is not CLIP's vocabulary."""
    try:
        with gzip.open(str(path), "rb") as stream:
            head = stream.read(64)
    except (OSError, EOFError) as error:
        raise UsageFault(f"{path}: {error}", "CLIP's bpe_simple_vocab_16e6.txt.gz") from None
    if b"bpe_simple_vocab" not in head:
        raise UsageFault(
            f"{path}: begins with {head[:20]!r}", "CLIP's bpe_simple_vocab_16e6.txt.gz"
        )


def _data_file(out: Path, name: str, meaning: str) -> DataFile:
    digest, size = hash_file(out / name)
    return DataFile(path=name, sha256=digest, size=size, meaning=meaning)
