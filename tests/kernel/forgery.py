"""Messages that nobody honest sends: forged, replayed, truncated, malformed, 10,000 of them seeded. None is obeyed, all are survived."""
import contextlib
import json
import random
import time

import zmq
from jupyter_client.session import Session

from client import Kernel, main


class Raw:
    """A front end that speaks ZeroMQ itself."""

    def __init__(self, k, channel="shell"):
        info = k.manager.get_connection_info()
        self.session = Session(key=info["key"], signature_scheme=info["signature_scheme"])
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.connect(f"tcp://{info['ip']}:{info[channel + '_port']}")

    def frames(self, kind, content):
        return self.session.serialize(self.session.msg(kind, content))

    def send(self, frames):
        self.socket.send_multipart(frames)

    def answers(self, seconds=0.3):
        found = []
        while self.socket.poll(seconds * 1000):
            found.append(self.socket.recv_multipart())
        return found

    def close(self):
        self.socket.close(0)
        self.context.term()


def execute(raw, code):
    return raw.frames("execute_request", {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False, "stop_on_error": True})


def test_forged_and_replayed_messages_are_not_obeyed(k):
    k.run("let obeyed = 0")
    raw = Raw(k)
    try:
        honest = execute(raw, "obeyed += 1")
        forged = list(honest)
        forged[1] = b"0" * 64
        raw.send(forged)
        unsigned = list(honest)
        unsigned[1] = b""
        raw.send(unsigned)
        tampered = list(honest)
        tampered[5] = tampered[5].replace(b"+= 1", b"+= 9")
        raw.send(tampered)
        assert raw.answers(0.5) == []
        raw.send(honest)
        assert len(raw.answers(1)) == 1
        for _ in range(20):
            raw.send(honest)
        assert raw.answers(0.5) == []
        control = Raw(k, "control")
        shutdown = control.frames("shutdown_request", {"restart": False})
        shutdown[1] = b"f" * 64
        control.send(shutdown)
        control.send(shutdown[:3])
        control.close()
    finally:
        raw.close()
    assert k.run("obeyed").result == "1"


def test_ten_thousand_broken_messages(k):
    chance = random.Random(0)
    raws = [Raw(k, channel) for channel in ("shell", "control", "stdin")]
    base = [raw.frames(kind, content) for raw in raws for kind, content in
            [("kernel_info_request", {}), ("complete_request", {"code": "a", "cursor_pos": 1}), ("input_reply", {"value": "x"}), ("comm_open", {"comm_id": "c", "target_name": "t", "data": {}})]]
    for i in range(10_000):
        raw = chance.choice(raws)
        frames = list(chance.choice(base))
        damage = chance.randrange(6)
        at = chance.randrange(len(frames))
        if damage == 0:
            frames = frames[:at]
        elif damage == 1:
            frames[at] = chance.randbytes(chance.randrange(40))
        elif damage == 2:
            frames[at] = frames[at][: chance.randrange(len(frames[at]) + 1)]
        elif damage == 3:
            frames.insert(at, chance.randbytes(5))
        elif damage == 4:
            parts = [chance.choice([b"{}", b"[]", b"null", b"1", b'{"msg_type": 3}', b'{"msg_id":"a","msg_type":"execute_request","session":"s"}', b'{"a":']) for _ in range(4)]
            frames = [b"<IDS|MSG>", raw.session.sign(parts), *parts]  # well signed nonsense
        else:
            frames[1] = frames[1][::-1]
        with contextlib.suppress(zmq.ZMQError):
            raw.send(frames or [b""])
    time.sleep(0.5)
    for raw in raws:
        raw.close()
    assert k.run("1 + 1").result == "2"


def test_contents_of_any_shape(k):
    chance = random.Random(1)
    kinds = ["execute_request", "complete_request", "inspect_request", "is_complete_request", "history_request", "comm_info_request", "comm_open", "comm_msg", "comm_close", "kernel_info_request", "interrupt_request", "debug_request"]
    fields = ["code", "cursor_pos", "hist_access_type", "n", "pattern", "session", "start", "comm_id", "target_name", "data", "silent", "user_expressions", "detail_level", "unique"]
    values = [None, 0, -1, 1e300, True, "", "range", "search", "(", "*" * 50, [], {}, {"a": [1]}, "\ud800", "x" * 1000]
    raw = Raw(k)
    for i in range(1000):
        content = {field: chance.choice(values) for field in chance.sample(fields, chance.randrange(len(fields)))}
        header = {key: str(value) for key, value in raw.session.msg_header(chance.choice(kinds)).items()}
        parts = [json.dumps(each).encode() for each in (header, {}, {}, content)]
        raw.send([b"<IDS|MSG>", raw.session.sign(parts), *parts])
        if i % 20 == 0:
            k.later(0.01)  # a front end that reads nothing would be left behind
    raw.answers(1)
    k.later(0.5)
    raw.close()
    assert k.run("1 + 1", 30).result == "2"


def test_no_key_means_unsigned():
    with Kernel(key=b"") as k:
        assert k.run("1 + 1").result == "2"


if __name__ == "__main__":
    main(globals())
