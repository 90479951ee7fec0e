"""A STOMP client that this project did not write, against two nodes of a cluster.

usage: client.py HOST:PORT HOST:PORT

It ends with status 0 when every step had its expected result.
"""

import queue
import sys

import stomp

# Longer than any step takes.
TIMEOUT_S = 20


class Listener(stomp.ConnectionListener):
    """Keeps what arrives in queues, which the steps wait for."""

    def __init__(self):
        self.messages = queue.Queue()
        self.receipts = queue.Queue()
        self.errors = queue.Queue()
        self.connected = {}
        self.lost_heartbeats = 0

    def on_connected(self, frame):
        self.connected = frame.headers

    def on_message(self, frame):
        self.messages.put(frame)

    def on_receipt(self, frame):
        self.receipts.put(frame.headers["receipt-id"])

    def on_error(self, frame):
        self.errors.put(frame)

    def on_heartbeat_timeout(self):
        self.lost_heartbeats += 1


class Client:
    """A session of a user at a node."""

    def __init__(self, node, user, heartbeats=(0, 0)):
        host, port = node.rsplit(":", 1)
        self.connection = stomp.WSStompConnection(
            [(host, int(port))], ws_path="/stomp", heartbeats=heartbeats
        )
        self.listener = Listener()
        self.connection.set_listener("", self.listener)
        self.connection.connect(user, "", wait=True)
        self.receipts = 0

    def _receipt(self):
        self.receipts += 1
        return f"r-{self.receipts}"

    def _wait_receipt(self, receipt):
        found = self.listener.receipts.get(timeout=TIMEOUT_S)
        assert found == receipt, (found, receipt)

    def subscribe(self, destination, number, ack="auto"):
        receipt = self._receipt()
        self.connection.subscribe(
            destination, number, ack=ack, headers={"receipt": receipt}
        )
        self._wait_receipt(receipt)

    def send(self, destination, body, **headers):
        receipt = self._receipt()
        self.connection.send(destination, body, headers={"receipt": receipt, **headers})
        self._wait_receipt(receipt)

    def message(self):
        return self.listener.messages.get(timeout=TIMEOUT_S)

    def body(self):
        return self.message().body

    def leave(self):
        receipt = self._receipt()
        self.connection.disconnect(receipt=receipt)
        self._wait_receipt(receipt)


def hear_each_other(anna, berta):
    """Topics: both clients get the messages of both."""
    for client in (anna, berta):
        client.subscribe("/topic/room", "1")
    for sender, receiver in ((anna, berta), (berta, anna)):
        # A subscription takes time to reach the other node.
        for attempt in range(10_000):
            sender.send("/topic/room", "probe")
            try:
                receiver.listener.messages.get(timeout=0.05)
                break
            except queue.Empty:
                continue
        else:
            raise AssertionError("no message went through")
    for number in range(20):
        anna.send("/topic/room", f"anna {number}")
        berta.send("/topic/room", f"berta {number}", note="c:\nd\\")
    for client in (anna, berta):
        received = []
        while len(received) < 40:
            frame = client.message()
            if frame.body == "probe":
                continue
            received.append(frame.body)
            if frame.body.startswith("berta"):
                assert frame.headers["note"] == "c:\nd\\", frame.headers
        for name in ("anna", "berta"):
            own = [body for body in received if body.startswith(name)]
            assert own == [f"{name} {number}" for number in range(20)], own
        client.connection.unsubscribe("1")


def share_a_queue(anna, berta):
    """Queues: a message that is rejected comes back, and one that is acknowledged does not."""
    anna.subscribe("/queue/work", "2", ack="client-individual")
    berta.send("/queue/work", "job")
    first = anna.message()
    assert "redelivered" not in first.headers
    anna.connection.nack(first.headers["ack"])
    again = anna.message()
    assert again.body == "job" and again.headers["redelivered"] == "true"
    anna.connection.ack(again.headers["ack"])
    berta.send("/queue/work", "next")
    following = anna.message()
    assert following.body == "next"
    anna.connection.ack(following.headers["ack"])
    anna.connection.unsubscribe("2")


def commit_and_abort(anna, berta):
    """Transactions."""
    berta.subscribe("/queue/orders", "3")
    for transaction, end in (("t-1", anna.connection.abort), ("t-2", anna.connection.commit)):
        anna.connection.begin(transaction)
        anna.connection.send("/queue/orders", transaction, transaction=transaction)
        end(transaction)
    assert berta.body() == "t-2"


def write_to_a_user(anna, berta):
    """Destinations of a user."""
    berta.subscribe("/user/queue/notes", "4")
    for attempt in range(10_000):
        anna.send("/user/berta/queue/notes", "hello")
        try:
            frame = berta.listener.messages.get(timeout=0.05)
            break
        except queue.Empty:
            continue
    else:
        raise AssertionError("no message went through")
    assert frame.body == "hello", frame.body
    assert frame.headers["destination"] == "/user/queue/notes"


def keep_alive(node):
    """Heart-beats in both directions, over more than two of their intervals."""
    client = Client(node, "clara", heartbeats=(2000, 2000))
    assert client.listener.connected["heart-beat"] == "2000,2000", client.listener.connected
    client.subscribe("/topic/silence", "1")
    try:
        client.listener.messages.get(timeout=7)
        raise AssertionError("a message that was not sent")
    except queue.Empty:
        pass
    assert client.listener.lost_heartbeats == 0
    client.send("/topic/silence", "still here")
    assert client.body() == "still here"
    client.leave()


def get_an_error(node):
    """An ERROR names its reason."""
    client = Client(node, "dora")
    client.connection.send("/nowhere", "x")
    frame = client.listener.errors.get(timeout=TIMEOUT_S)
    assert "invalid header destination" in frame.headers["message"], frame.headers


def main():
    first, second = sys.argv[1:]
    anna, berta = Client(first, "anna"), Client(second, "berta")
    assert anna.listener.connected["version"] == "1.2"
    assert anna.listener.connected["user-name"] == "anna"
    hear_each_other(anna, berta)
    share_a_queue(anna, berta)
    commit_and_abort(anna, berta)
    write_to_a_user(anna, berta)
    for client in (anna, berta):
        client.leave()
    keep_alive(first)
    get_an_error(second)


if __name__ == "__main__":
    main()
