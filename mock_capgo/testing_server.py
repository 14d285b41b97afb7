"""Servers for tests: one in a thread of this process, or one that several processes share.

Belongs here: starting and ending them. What a test does with a server is in `mock_capgo.testing`.

A shared server holds itself to its users by a lock file: each of them keeps a shared lock, which the system takes
back however a process ends, and the server ends when it gets the lock for itself. Nobody counts, and nothing is
left behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from mock_capgo.testing_client import Control, MockCapgoError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from mock_capgo.server.app import Application

try:
    import fcntl
except ImportError:  # pragma: no cover - where there are no such locks, each process has a server of its own
    fcntl = None  # type: ignore[assignment]

START_SECONDS = 30.0
_FIRST_LINE = re.compile(r"mock-capgo \S+  (http://\S+)\n")


class ThreadServer:
    """An application on a free loopback port, served from a thread with an event loop of its own."""

    def __init__(self, app: Application) -> None:
        import uvicorn  # noqa: PLC0415 - whoever attaches to a server need not load one

        self.app = app
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        config = uvicorn.Config(
            app, log_config=None, access_log=False, server_header=False, lifespan="off", timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._runner = asyncio.Runner(loop_factory=config.get_loop_factory())
        self.loop: asyncio.AbstractEventLoop | None = None
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mock-capgo", daemon=True)
        self._thread.start()
        if not self._started.wait(START_SECONDS):
            raise MockCapgoError("the server did not start")

    def close(self) -> None:
        """End the server and wait for it."""
        self._server.should_exit = True
        self._thread.join(timeout=5)
        self._listening.close()

    def _run(self) -> None:
        with self._runner as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._started.set()
        await self._server.serve(sockets=[self._listening])


class InProcess:
    """A world as an ASGI application, for clients such as httpx that need no socket.

    The call runs in the loop of the server's thread: a world is never touched from two threads at once.
    """

    def __init__(self, server: ThreadServer, prefix: str) -> None:
        self._server = server
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        here, there = asyncio.get_running_loop(), self._server.loop
        if there is None or there.is_closed():
            raise MockCapgoError("the server of this world has ended")

        async def receive_here() -> Message:
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_awaited(receive()), here))

        async def send_here(message: Message) -> None:
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_awaited(send(message)), here))

        path = scope["path"]
        if self._prefix and not path.startswith(f"{self._prefix}/"):
            scope = {**scope, "path": self._prefix + path, "raw_path": None}
        app: ASGIApp = self._server.app
        work = asyncio.run_coroutine_threadsafe(_awaited(app(scope, receive_here, send_here)), there)
        await asyncio.wrap_future(work)


async def _awaited(work: Any) -> Any:
    return await work


class SharedServer:
    """A server in a process of its own, shared by all that name the same folder."""

    def __init__(self, folder: Path, options: dict[str, str]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._users = (folder / "users.lock").open("w")
        with (folder / "start.lock").open("w") as starting:
            _lock(starting, shared=False)
            # Waits while a server without users is ending; from here on, none ends.
            _lock(self._users, shared=True)
            self.url = _running(folder) or _start(folder, options)

    def close(self) -> None:
        """Let go of the server; it ends with its last user."""
        self._users.close()


def can_share() -> bool:
    """Whether this system has the locks that a shared server needs."""
    return fcntl is not None


def _running(folder: Path) -> str | None:
    with contextlib.suppress(OSError, ValueError, MockCapgoError):
        url = str(json.loads((folder / "server.json").read_text())["url"])
        Control(f"{url}/_mock", timeout=5)("GET", "/health")
        return url
    return None


def _start(folder: Path, options: dict[str, str]) -> str:
    command = [sys.executable, "-P", "-m", "mock_capgo.testing_server", str(folder / "users.lock"), json.dumps(options)]
    # What is set for a server of the user's is not meant for this one.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MOCK_CAPGO_")}
    log = folder / "server.log"
    with log.open("w") as out:
        # A session of its own: Ctrl-C is for the tests, the server ends after them.
        process = subprocess.Popen(  # noqa: S603 - this package's own module
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment, start_new_session=True
        )
    end = time.monotonic() + START_SECONDS
    while (said := _FIRST_LINE.match(log.read_text())) is None:
        if process.poll() is not None or time.monotonic() > end:
            process.kill()
            process.wait()
            raise MockCapgoError(f"the server did not start: {log.read_text()}")
        time.sleep(0.01)
    # It outlives this process where another one uses it: nobody has to wait for it.
    process.returncode = 0
    (folder / "server.json").write_text(json.dumps({"url": said[1]}))
    return said[1]


def _lock(file: TextIO, *, shared: bool) -> None:
    fcntl.flock(file, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)


@contextlib.contextmanager
def _until_unused(lock_file: str) -> Iterator[None]:
    """End this process, as Ctrl-C would, once nobody holds the lock any more."""
    with Path(lock_file).open("w") as users:

        def watch() -> None:
            _lock(users, shared=False)
            os.kill(os.getpid(), signal.SIGTERM)

        threading.Thread(target=watch, daemon=True).start()
        yield


def main(arguments: list[str]) -> int:
    """Serve until the lock file named first is free; the second argument is settings as JSON."""
    from mock_capgo.server.serve import serve  # noqa: PLC0415 - only the server's own process needs it
    from mock_capgo.settings import Settings  # noqa: PLC0415

    lock_file, options = arguments
    with _until_unused(lock_file):
        return serve(Settings(port=0, log="off", **json.loads(options)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
