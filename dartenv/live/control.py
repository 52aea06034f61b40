"""What a page may ask for, read strictly, and no more often than a person could mean it."""

from __future__ import annotations

import threading
import time
from typing import Any, Callable, Union, cast

import msgspec

from dartenv import typed
from dartenv.errors import DartenvError, UsageFault
from dartenv.live.engine import Engine

# A prompt of MOST_CHARACTERS, each written as \uXXXX\uXXXX, fits.
MOST_BYTES = 16 * 1024
PER_SECOND = 5.0
AT_ONCE = 10.0


class Prompt(msgspec.Struct, frozen=True, tag_field="do", tag="prompt", forbid_unknown_fields=True):
    """Show something else."""

    text: str


class Pause(msgspec.Struct, frozen=True, tag_field="do", tag="pause", forbid_unknown_fields=True):
    """Hold the motion, or let it go on."""

    on: bool


class Seed(msgspec.Struct, frozen=True, tag_field="do", tag="seed", forbid_unknown_fields=True):
    """Begin again with other noise."""

    value: int


class Guidance(
    msgspec.Struct, frozen=True, tag_field="do", tag="guidance", forbid_unknown_fields=True
):
    """Follow the text more or less."""

    value: float


Command = Union[Prompt, Pause, Seed, Guidance]


class Bucket:
    """So many at once, and so many a second after that."""

    def __init__(
        self,
        per_second: float = PER_SECOND,
        at_once: float = AT_ONCE,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rate, self._most, self._now = per_second, at_once, now
        self._left, self._seen = at_once, now()
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Whether one more is allowed now."""
        with self._lock:
            now = self._now()
            self._left = min(self._most, self._left + (now - self._seen) * self._rate)
            self._seen = now
            if self._left < 1:
                return False
            self._left -= 1
            return True


def obey(engine: Engine, message: Union[str, bytes]) -> str:
    """Do what ``message`` asks; "" or what was wrong with it."""
    try:
        command = read(message)
        if isinstance(command, Prompt):
            engine.ask(command.text)
        elif isinstance(command, Pause):
            engine.pause(command.on)
        elif isinstance(command, Seed):
            engine.begin_again(command.value)
        else:
            engine.guide(command.value)
    except DartenvError as fault:
        return fault.render()
    return ""


def read(message: Union[str, bytes]) -> Command:
    """The command of a page. Raises UsageFault for anything else."""
    try:
        return typed.from_json(message, cast(Any, Command))  # type: ignore[no-any-return]
    except (msgspec.DecodeError, UnicodeError) as error:
        raise UsageFault(f"a message that is no command: {error}") from None
