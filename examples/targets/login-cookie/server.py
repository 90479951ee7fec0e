"""A login over HTTP whose cookie opens the socket."""

import argparse
import json
import os
import secrets

from aiohttp import WSMsgType, web

counts = {"open_sockets": 0, "sockets_total": 0, "logins_total": 0, "rejected_total": 0}
sessions = {}


async def login(request):
    credentials = await request.json()
    if credentials.get("password") != os.environ.get("PASSWORD", "swordfish"):
        return web.json_response({"error": "wrong password"}, status=403)
    session = secrets.token_hex(16)
    sessions[session] = credentials["user"]
    counts["logins_total"] += 1
    response = web.json_response({"csrf": secrets.token_hex(4)})
    response.set_cookie("session", session, httponly=True)
    return response


async def chat(request):
    user = sessions.get(request.cookies.get("session"))
    if user is None:
        counts["rejected_total"] += 1
        return web.Response(status=401, text="log in first")
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    counts["open_sockets"] += 1
    counts["sockets_total"] += 1
    await socket.send_json({"type": "hello", "user": user})
    async for message in socket:
        if message.type == WSMsgType.TEXT and json.loads(message.data).get("type") == "ping":
            await socket.send_json({"type": "pong"})
    counts["open_sockets"] -= 1
    return socket


async def metrics(request):
    return web.Response(text="".join(f"{name} {value}\n" for name, value in counts.items()))


options = argparse.ArgumentParser(description=__doc__)
options.add_argument("--port", type=int, default=8080)
port = options.parse_args().port

app = web.Application()
app.router.add_post("/login", login)
app.router.add_get("/chat", chat)
app.router.add_get("/metrics", metrics)
web.run_app(app, host="127.0.0.1", port=port, print=None)
