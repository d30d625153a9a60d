"""The demo of the four-way close: who closes first, who waits, and a connection that is closed by half."""

import json

from conftest import ADDRESS
from demo import demo, port_of  # noqa: F401: a fixture

PAGE = "demo-close.html"
FIN = 1


def time_wait(namespace):
    answer = json.loads(namespace.curl("-f", f"http://{ADDRESS}/.taphouse/connections.json").stdout)
    return {row["remote_port"]: row for row in answer["time_wait"]}


def closing(demo, port):
    """(who, flags) from the first FIN on."""
    rows = [("server" if source == ADDRESS else "client", int(flags, 16) & 255)
            for source, flags in demo.captured(port, "ip.src", "tcp.flags")]
    first = next(i for i, (_, flags) in enumerate(rows) if flags & FIN)
    return rows[first:]


def test_the_server_closes_first_and_waits(demo, namespace, tmp_path):
    demo.open(PAGE)
    port = port_of(demo.press("server", "server"))
    demo.browser.wait("/^[\\d.]+ s$/.test(document.querySelector('[data-number=server-wait]').textContent)")
    left = float(demo.number("server-wait").removesuffix(" s"))
    row = time_wait(namespace)[port]
    assert row["remote"] == "10.77.0.1" and row["local_port"] == 80
    assert 0 < row["expires_in_us"] / 1e6 <= left + 0.05 <= 60.1  # asked for later, less is left
    demo.browser.wait(f"parseFloat(document.querySelector('[data-number=server-wait]').textContent) < {left}")  # counts down
    shown = demo.arrows("server")
    # From CLOSED to CLOSED, and from CLOSED to TIME-WAIT, in the diagram.
    ways = "document.querySelectorAll('#server .states-{}-been').length"
    assert [demo.browser.evaluate(ways.format(side)) for side in ("client", "server")] == [5, 6]
    demo.look("demo-close", tmp_path)
    demo.stop()
    rows = closing(demo, port)
    assert rows[0][0] == demo.number("server-first") == "server"
    assert 3 <= int(demo.number("server-segments")) <= len(rows)  # one sent again later is not counted
    assert demo.number("server-states").startswith("FIN-WAIT-1") and demo.number("server-states").endswith("TIME-WAIT")
    assert demo.number("server-client-states").endswith("LAST-ACK, CLOSED")
    assert shown == demo.captured(port)[:len(shown)]


def test_the_client_closes_first_and_the_server_keeps_nothing(demo, namespace):
    demo.open(PAGE)
    port = port_of(demo.press("client", "client"))
    assert port not in time_wait(namespace)
    assert demo.number("client-wait") == "none"
    kernels = namespace.run("ss", "-tanH", "state", "time-wait", "dst", ADDRESS).stdout
    assert f":{port} " in kernels
    demo.stop()
    rows = closing(demo, port)
    assert rows[0][0] == demo.number("client-first") == "client"
    assert 3 <= int(demo.number("client-segments")) <= len(rows)
    assert demo.number("client-states").startswith("FIN-WAIT-1") and demo.number("client-states").endswith("TIME-WAIT")
    assert demo.number("client-server-states").endswith("LAST-ACK, CLOSED")


def test_half_closed_the_client_goes_on(demo):
    demo.open(PAGE)
    port = port_of(demo.press("half", "half"))
    demo.stop()
    rows = [(source == ADDRESS, int(flags, 16) & FIN, int(length))
            for source, flags, length in demo.captured(port, "ip.src", "tcp.flags", "tcp.len")]
    end = next(i for i, (is_ours, fin, _) in enumerate(rows) if is_ours and fin)
    after = sum(length for is_ours, _, length in rows[end:] if not is_ours)
    before = sum(length for is_ours, _, length in rows[:end] if not is_ours)
    assert after > 0 and before + after > 64 << 10
    assert int(demo.number("half-after").replace(",", "")) == after
    assert int(demo.number("half-before").replace(",", "")) == before
