"""Idle sockets with heartbeats, as one user for each socket.

    URL=ws://127.0.0.1:8765/ INTERVAL=20 locust --headless --locustfile locustfile.py \
        --users 5000 --spawn-rate 250 --run-time 80s

PING=1 sends WebSocket pings in place of JSON messages. Times are in seconds.
"""

import itertools
import json
import os
import time

import gevent
from locust import User, constant_pacing, task
from websocket import ABNF, WebSocketException, create_connection

URL = os.environ["URL"]
INTERVAL = float(os.environ["INTERVAL"])
PINGS = os.environ.get("PING") == "1"

numbers = itertools.count(1)


class Phone(User):
    wait_time = constant_pacing(INTERVAL)

    def on_start(self):
        device = f"phone-{next(numbers)}"
        self.sent_at = None
        self.is_first = True
        with self.environment.events.request.measure("WS", "connect"):
            self.socket = create_connection(URL.replace("{device}", device), timeout=30)
            if not PINGS:
                self.socket.send(json.dumps({"type": "hello", "device": device}))
                assert json.loads(self.socket.recv())["type"] == "welcome"
        self.socket.settimeout(None)
        self.reader = gevent.spawn(self.read)

    def on_stop(self):
        self.reader.kill()
        self.socket.close(timeout=0)

    @task
    def heartbeat(self):
        # Locust calls a task at once, and the first heartbeat is due one interval later.
        if self.is_first:
            self.is_first = False
            return
        if self.sent_at is not None:
            self.report(None, TimeoutError("no answer before the next heartbeat"))
        self.sent_at = time.monotonic()
        if PINGS:
            self.socket.ping()
        else:
            self.socket.send(json.dumps({"type": "ping"}))

    def read(self):
        try:
            while True:
                opcode, frame = self.socket.recv_data_frame(control_frame=True)
                if self.sent_at is not None and self.answers(opcode, frame.data):
                    self.report((time.monotonic() - self.sent_at) * 1000)
                    self.sent_at = None
                if opcode == ABNF.OPCODE_CLOSE:
                    return
        except (WebSocketException, OSError) as error:
            self.report(None, error)

    def answers(self, opcode, data):
        if PINGS:
            return opcode == ABNF.OPCODE_PONG
        return opcode == ABNF.OPCODE_TEXT and json.loads(data).get("type") == "pong"

    def report(self, response_ms, exception=None):
        self.environment.events.request.fire(
            request_type="WS",
            name="heartbeat",
            response_time=response_ms,
            response_length=0,
            exception=exception,
            context={},
        )
