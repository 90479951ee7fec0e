"""A SignalR server whose hub answers each call with the same text."""

import argparse

from aiohttp import WSMsgType, web
from aiosignalr.server import Hub, ServerOptions, SignalRServer
from aiosignalr.server.http_iface import ServerSocket

counts = {"open_sockets": 0, "sockets_total": 0, "calls_total": 0}


class Home(Hub):
    async def on_connected(self):
        counts["open_sockets"] += 1
        counts["sockets_total"] += 1

    async def on_disconnected(self, error):
        counts["open_sockets"] -= 1

    async def echo(self, text: str) -> str:
        counts["calls_total"] += 1
        return text


class TextSocket(ServerSocket):
    """Writes JSON in text frames, as ASP.NET Core does. aiosignalr's own one writes binary frames."""

    def __init__(self, socket):
        self.socket = socket

    async def recv(self):
        message = await self.socket.receive()
        return ("text", message.data.encode()) if message.type == WSMsgType.TEXT else None

    async def send_bytes(self, data):
        await self.socket.send_str(data.decode())

    async def close(self, code=1000, reason=""):
        await self.socket.close(code=code, message=reason.encode())


async def connect(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await hub.handle_websocket(request, TextSocket(socket))
    return socket


async def metrics(request):
    return web.Response(text="".join(f"{name} {value}\n" for name, value in counts.items()))


options = argparse.ArgumentParser(description=__doc__)
options.add_argument("--port", type=int, default=5000)
options.add_argument("--keep-alive", type=float, default=15, help="seconds between pings")
arguments = options.parse_args()
hub = SignalRServer(Home, options=ServerOptions(keep_alive_interval=arguments.keep_alive))
app = web.Application()
app.add_routes([web.get("/hub", connect), web.get("/metrics", metrics)])
web.run_app(app, host="127.0.0.1", port=arguments.port, print=None)
