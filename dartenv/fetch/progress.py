"""What a download tells whoever watches; called from several threads."""

from __future__ import annotations

from typing import Optional


class Progress:
    """Watches nothing: the base of those that show something."""

    def start(self, key: str, name: str, total: Optional[int]) -> None:
        """A download begins."""

    def total(self, key: str, total: Optional[int], have: int) -> None:
        """The server said how much there is; ``have`` bytes are here already."""

    def advance(self, key: str, count: int) -> None:
        """``count`` more bytes."""

    def retry(self, key: str, why: str, wait: float) -> None:
        """An attempt failed; the next comes in ``wait`` seconds."""

    def done(self, key: str, why: Optional[str] = None) -> None:
        """It is there, or, with ``why``, it is not."""
