"""A Socket.IO server that greets each client."""

import argparse

import socketio
from aiohttp import web

counts = {"open_sockets": 0, "sockets_total": 0}


def build(ping_interval):
    server = socketio.AsyncServer(async_mode="aiohttp", ping_interval=ping_interval)

    async def greet(sid):
        await server.sleep(0)
        await server.emit("greeting", {"sid": sid}, to=sid)

    @server.event
    async def connect(sid, environ, auth):
        counts["open_sockets"] += 1
        counts["sockets_total"] += 1
        # Sent when this handler is over: the client is connected only then.
        server.start_background_task(greet, sid)

    @server.event
    async def disconnect(sid, reason):
        counts["open_sockets"] -= 1

    app = web.Application()
    server.attach(app)
    app.router.add_get("/metrics", metrics)
    return app


async def metrics(request):
    return web.Response(text="".join(f"{name} {value}\n" for name, value in counts.items()))


options = argparse.ArgumentParser(description=__doc__)
options.add_argument("--port", type=int, default=3000)
options.add_argument("--ping-interval", type=int, default=25, help="seconds")
arguments = options.parse_args()
web.run_app(build(arguments.ping_interval), host="127.0.0.1", port=arguments.port, print=None)
