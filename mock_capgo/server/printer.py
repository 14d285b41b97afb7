"""Printing that nobody waits for.

Belongs here: how lines get out; what they say is in `mock_capgo.server.access_log`. A pipe that is read slowly, or
not at all, fills up, and then whoever writes to it waits. So a thread of its own writes; what it cannot get rid of
piles up to a bound, beyond it lines are dropped, and a line says how many.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import TextIO

CAPACITY = 1024 * 1024
"""Letters that may wait to be printed."""
PIECE = 4096
"""Bytes that a pipe takes in one piece: lines of standard output and error on one pipe are not mixed up."""
PAUSE = 0.01
"""Seconds between two pieces, so that many lines at once, and not each of them, make the threads change places."""
LAST_SECONDS = 0.5
"""What a reader has to take the last lines when the server ends."""


class Printer:
    """Prints lines to a stream, in their order. Nobody listening, or a terminal without these letters, harms no one."""

    def __init__(self, out: TextIO, notice: Callable[[int], str]) -> None:
        # Past Python's own buffer: a thread that waits inside it, for nobody, would not let the process end.
        self._file = out.fileno()
        self._encoding = out.encoding or "utf-8"
        self._notice = notice
        self._lines: SimpleQueue[str | None] = SimpleQueue()
        self._said = 0  # letters, counted by who says them
        self._taken = 0  # letters, counted by the thread: so that the difference needs no lock
        self._dropped = 0
        self._thread = Thread(target=self._print, name="mock-capgo-printer", daemon=True)
        self._thread.start()

    def say(self, line: str) -> None:
        """Print a line soon, or drop it when too much waits already. For one thread at a time."""
        waiting = self._said - self._taken
        if waiting and waiting + len(line) > CAPACITY:
            self._dropped += 1
            return
        if self._dropped:
            self._tell_dropped()
        self._said += len(line)
        self._lines.put(line)

    def close(self) -> None:
        """Print what waits, if there is somebody who reads it. What is said later is not printed."""
        if self._dropped:
            self._tell_dropped()
        self._lines.put(None)
        self._thread.join(LAST_SECONDS)

    def _tell_dropped(self) -> None:
        notice = self._notice(self._dropped)
        self._dropped = 0
        self._said += len(notice)
        self._lines.put(notice)

    def _print(self) -> None:
        piece = b""
        while (line := self._lines.get()) is not None:
            self._taken += len(line)
            encoded = f"{line}\n".encode(self._encoding, "replace")
            if len(piece) + len(encoded) > PIECE:
                self._write(piece)
                piece = b""
            piece += encoded
            if self._lines.empty():
                self._write(piece)
                piece = b""
                time.sleep(PAUSE)
        self._write(piece)

    def _write(self, piece: bytes) -> None:
        with contextlib.suppress(OSError):
            while piece:
                piece = piece[os.write(self._file, piece) :]
