"""The bare limit: Starlette's `JSONResponse` on uvicorn with uvloop and httptools, one worker, nothing else.

`/object` encodes one object on every request; `/bytes` answers a constant of as many bytes as asked for at start.
"""

from __future__ import annotations

import argparse
import json
import socket
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

# As large as the one object that the mock is asked for, where no file says which.
_OBJECT = {f"member_{number}": "a value of twenty ch" for number in range(16)}


def main() -> None:
    """Serve until killed; the address is the first line that is printed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--object", help="file with the JSON of /object")
    parser.add_argument("--bytes", help="file with what /bytes answers")
    options = parser.parse_args()
    told = json.loads(Path(options.object).read_bytes()) if options.object else _OBJECT
    constant = Path(options.bytes).read_bytes() if options.bytes else b"{}"

    async def one(_: Request) -> Response:
        return JSONResponse(told)

    async def many(_: Request) -> Response:
        return Response(constant, media_type="application/json")

    async def accept(request: Request) -> Response:
        await request.body()
        return JSONResponse({"status": "ok"})

    app = Starlette(
        routes=[
            Route("/object", one, methods=["GET"]),
            Route("/object", accept, methods=["POST"]),
            Route("/bytes", many, methods=["GET"]),
        ]
    )
    listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
    print(f"bare http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    config = uvicorn.Config(app, log_config=None, access_log=False, server_header=False, lifespan="off")
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
