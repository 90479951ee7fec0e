"""GraphQL subscriptions with Strawberry and aiohttp."""

import argparse
import asyncio
from typing import AsyncGenerator

import strawberry
from aiohttp import web
from strawberry.aiohttp.views import GraphQLView
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL

counts = {"open_sockets": 0, "sockets_total": 0, "ticks_total": 0}


@strawberry.type
class Query:
    hello: str = "world"


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def tick(self, every: float = 1.0) -> AsyncGenerator[int, None]:
        counts["open_sockets"] += 1
        counts["sockets_total"] += 1
        try:
            number = 0
            while True:
                yield number
                number += 1
                counts["ticks_total"] += 1
                await asyncio.sleep(every)
        finally:
            counts["open_sockets"] -= 1


async def metrics(request):
    return web.Response(text="".join(f"{name} {value}\n" for name, value in counts.items()))


options = argparse.ArgumentParser(description=__doc__)
options.add_argument("--port", type=int, default=8000)
port = options.parse_args().port

schema = strawberry.Schema(query=Query, subscription=Subscription)
view = GraphQLView(schema=schema, subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL])
app = web.Application()
app.router.add_route("*", "/graphql", view)
app.router.add_get("/metrics", metrics)
web.run_app(app, host="127.0.0.1", port=port, print=None)
