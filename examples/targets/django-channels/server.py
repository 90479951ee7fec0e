"""Django Channels behind Daphne: a consumer with a JSON protocol."""

import argparse

import django
from django.conf import settings

settings.configure(SECRET_KEY="example", ALLOWED_HOSTS=["127.0.0.1"], ROOT_URLCONF=__name__)
django.setup()

from channels.generic.websocket import AsyncJsonWebsocketConsumer  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from daphne.server import Server  # noqa: E402
from django.core.asgi import get_asgi_application  # noqa: E402
from django.http import HttpResponse  # noqa: E402
from django.urls import path  # noqa: E402

counts = {"open_sockets": 0, "sockets_total": 0, "heartbeats_total": 0}


class Room(AsyncJsonWebsocketConsumer):
    async def connect(self):
        await self.accept()
        counts["open_sockets"] += 1
        counts["sockets_total"] += 1
        await self.send_json({"type": "ready", "room": self.scope["url_route"]["kwargs"]["room"]})

    async def receive_json(self, content):
        if content.get("type") == "heartbeat":
            counts["heartbeats_total"] += 1
            await self.send_json({"type": "heartbeat", "seq": content.get("seq")})

    async def disconnect(self, code):
        counts["open_sockets"] -= 1


def metrics(request):
    lines = [f"{name} {value}\n" for name, value in counts.items()]
    return HttpResponse("".join(lines), content_type="text/plain")


urlpatterns = [path("metrics", metrics)]
application = ProtocolTypeRouter(
    {
        "http": get_asgi_application(),
        "websocket": URLRouter([path("ws/rooms/<room>/", Room.as_asgi())]),
    }
)

options = argparse.ArgumentParser(description=__doc__)
options.add_argument("--port", type=int, default=8001)
port = options.parse_args().port
Server(application, endpoints=[f"tcp:port={port}:interface=127.0.0.1"]).run()
