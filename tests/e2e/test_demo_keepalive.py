"""The demo of short connections against keep-alive: its numbers are those of the capture."""

from conftest import ADDRESS
from demo import demo  # noqa: F401: a fixture
from test_capture import fields

PAGE = "demo-keepalive.html"


def streams(capture):
    """Of each connection that fetched objects: what the page counts."""
    wanted = {row[0] for row in fields(capture, 'http.request.uri contains "/demo/object/"', "tcp.stream")}
    found = {stream: [] for stream in wanted}
    for stream, *row in fields(capture, "tcp", "tcp.stream", "frame.len", "tcp.len", "tcp.flags", "ip.src"):
        if stream in wanted:
            found[stream].append((int(row[0]), int(row[1]), int(row[2], 16) & 18 == 18 and row[3] == ADDRESS))
    return list(found.values())


def counted(connections):
    rows = [row for connection in connections for row in connection]
    return {"connections": len(connections), "handshakes": sum(is_syn_ack for *_, is_syn_ack in rows), "segments": len(rows),
            "text": sum(length for _, length, _ in rows), "wire": sum(size for size, *_ in rows)}


def test_numbers_are_those_of_the_capture(demo, tmp_path):
    demo.open(PAGE)
    told = demo.press("both", "both", seconds=60)
    demo.look("demo-keepalive", tmp_path)
    demo.stop()
    connections = streams(demo.capture)
    assert len(connections) == 21
    kept = max(connections, key=len)
    short = [connection for connection in connections if connection is not kept]
    for name, expected in (("short", counted(short)), ("kept", counted([kept]))):
        assert {key: int(demo.number(f"{name}-{key}").replace(",", "")) for key in expected} == expected
    assert counted(short)["handshakes"] == 20 and counted([kept])["handshakes"] == 1
    assert told == f"{counted(short)['segments'] / len(kept):.1f} times as many segments for short connections."
