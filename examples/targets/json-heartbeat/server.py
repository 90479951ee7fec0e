"""A server with a JSON protocol of its own: a greeting, then heartbeats."""

import argparse
import asyncio
import json
import secrets
from http import HTTPStatus

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

counts = {"open_sockets": 0, "sockets_total": 0, "heartbeats_total": 0}


async def handle(socket):
    hello = json.loads(await socket.recv())
    if hello.get("type") != "hello" or "device" not in hello:
        await socket.close(4400, "a greeting comes first")
        return
    await socket.send(json.dumps({"type": "welcome", "session": secrets.token_hex(8)}))
    counts["open_sockets"] += 1
    counts["sockets_total"] += 1
    try:
        async for text in socket:
            message = json.loads(text)
            if message.get("type") == "ping":
                counts["heartbeats_total"] += 1
                await socket.send(json.dumps({"type": "pong", "id": message.get("id")}))
    except ConnectionClosed:
        pass
    finally:
        counts["open_sockets"] -= 1


def metrics(connection, request):
    """Answers GET /metrics; every other request opens a socket."""
    if request.path == "/metrics":
        lines = [f"{name} {value}\n" for name, value in counts.items()]
        return connection.respond(HTTPStatus.OK, "".join(lines))


async def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--port", type=int, default=8765)
    options.add_argument(
        "--ping-interval",
        type=float,
        default=20,
        metavar="SECONDS",
        help="time between two WebSocket pings of the server; 0 for none (default: 20)",
    )
    options = options.parse_args()
    server = serve(
        handle,
        "127.0.0.1",
        options.port,
        process_request=metrics,
        ping_interval=options.ping_interval or None,
    )
    async with server as server:
        await server.serve_forever()


asyncio.run(main())
