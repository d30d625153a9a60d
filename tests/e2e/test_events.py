"""Connections watched over WebSocket: what is told of them is what stands in the capture of the same frames; to
whom it is told; and that neither many of them nor a viewer who does not read costs much."""

import json
import pathlib
import signal
import time

import pytest
from conftest import ADDRESS
from test_capture import fields

CLIENT = pathlib.Path(__file__).with_name("events_client.py")
URL = f"http://{ADDRESS}"
STATUS = f"ws://{ADDRESS}/.taphouse/events"


@pytest.fixture
def watched(serve, site, tmp_path):
    def start(keys="", *options):
        config = tmp_path / "events.conf"
        config.write_text(f'site "e2e" {{\n\troot = "{site}"\n'
                          f'\tlocation "/.taphouse/" {{ status = true {keys} }}\n'
                          '\tlocation "/ws" { websocket = "events" }\n}\n')
        return serve("--config", config, *options)

    return start


def client(namespace, *arguments):
    answer = namespace.run("/usr/bin/python3", CLIENT, *arguments, check=False)
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout.splitlines()[-1])


def of_event(rows, event):
    return [row for row in rows if row["event"] == event]


def segments(rows):
    return [(row["flags"], row.get("isn"), row["seq"], row.get("ack"), row["len"], row["headers"], row["window"])
            for row in of_event(rows, "segment")]


NAMES = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"]


def by_tshark(capture, number):
    """The same of a connection in the capture, by its place there."""
    rows = fields(capture, f"tcp.stream == {number}", "tcp.flags", "tcp.seq_raw", "tcp.seq", "tcp.ack", "tcp.len",
                  "ip.hdr_len", "tcp.hdr_len", "tcp.window_size")
    order = ["SYN", "FIN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"]
    for flags, raw, seq, ack, length, ip, tcp, window in rows:
        bits = {name for i, name in enumerate(NAMES) if int(flags, 16) >> i & 1}
        yield (",".join(name for name in order if name in bits), int(raw) if "SYN" in bits else None, int(seq),
               int(ack) if "ACK" in bits else None, int(length), int(ip) + int(tcp), int(window))


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_what_is_told_stands_in_the_capture(watched, namespace, tmp_path, scheme):
    capture = tmp_path / "t.pcapng"
    server = watched("", "--pcap", capture, "--self-signed")
    told = client(namespace, "replay", STATUS.replace("ws", "ws" + scheme[4:], 1), f"{scheme}://{ADDRESS}/1m.bin",
                  "-HConnection: close")
    assert server.stop() == 0
    over, live = told["over"], told["live"]
    named = [row for row in told["named"] if row.get("connection") == 1]  # before them the other's last may come
    assert segments(over) == segments(named) == list(by_tshark(capture, 0))
    theirs = list(by_tshark(capture, 2))  # 1 is the watcher's own
    assert segments(live) == theirs[:len(segments(live))]  # what comes behind its end is not waited for
    assert sum("FIN" in row["flags"] for row in of_event(live, "segment")) >= 1
    assert all(row["replayed"] for row in over + named if row["event"] != "left_out")
    assert not any(row.get("replayed") for row in live)
    assert {row["connection"] for row in over + named} == {1}
    assert {row["number"] for row in named} == {max(row["number"] for row in live) + 1}
    assert [row["server_state"] for row in of_event(over, "segment")][:3] == ["SYN-RECEIVED"] * 2 + ["ESTABLISHED"]
    assert [row["third_ack"] for row in of_event(over, "segment")].index(True) == 2
    assert of_event(over, "closed")[0]["state"] == of_event(live, "closed")[0]["state"] == "TIME-WAIT"
    # What is above TCP is told while it happens; of numbers, the ends and something between.
    notes = [row["note"] for row in of_event(live, "step")]
    assert "HTTP request: GET /1m.bin HTTP/1.1" in notes and ("TLS ClientHello" in notes) == (scheme == "https")
    samples = of_event(live, "sample")
    assert samples and {row["connection"] for row in samples} == {of_event(live, "closed")[0]["connection"]}
    assert all(row["cwnd"] > 0 and row["rto"] >= 200_000 and row["in_recovery"] is False for row in samples)
    assert told["port"] not in {row.get("client_port") for row in over + live}


def test_nonsense_is_refused(watched, namespace):
    watched()
    assert set(client(namespace, "refusals", STATUS, '{"watch":"all"}', '{"watch":"mine","more":1}', "watch", "[]",
                      '{"watch":"mine"}' + 1010 * " ")) == {1008}


def from_other_address(namespace, url):
    namespace.curl("--interface", "10.77.0.9", "-H", "Connection: close", "-o", "/dev/null", url)


@pytest.mark.parametrize("what, keys, sees", [('"mine"', "", False), ('"all"', "websocket_events_all = true", True),
                                              ("[1, 5, 6]", "", False)])
def test_who_sees_whom(watched, namespace, what, keys, sees):
    """Viewers are of 10.77.0.1, and never seen; somebody else comes, and then one of theirs."""
    watched(keys)
    namespace.run("ip", "address", "add", "10.77.0.9/24", "dev", "taphouse0")
    from_other_address(namespace, f"{URL}/hello.txt")  # connection 1
    viewer = namespace.start("/usr/bin/python3", CLIENT, "watch_until", STATUS, what, 42000, stdout=-1, text=True)
    try:
        assert viewer.stdout.readline() == "ready\n"
        from_other_address(namespace, f"{URL}/hello.txt")
        namespace.curl("--interface", "10.77.0.1", "--local-port", "42000", "-H", "Connection: close",
                       "-o", "/dev/null", f"{URL}/hello.txt")
        told = json.loads(viewer.communicate(timeout=20)[0])
    finally:
        viewer.kill()
        viewer.wait()
    steps = [row["note"] for row in told["rows"] if row["event"] == "step" and row["client_port"] == told["later"]]
    assert not [note for note in steps if note.startswith("WebSocket")]
    addresses = {row["client"] for row in told["rows"] if "client" in row}
    assert addresses == ({"10.77.0.1", "10.77.0.9"} if sees else {"10.77.0.1"})
    assert not {row.get("client_port") for row in told["rows"]} & set(told["viewers"])


def test_it_is_recorded_as_soon_as_a_location_tells_it(serve, namespace, site, tmp_path):
    config, without = tmp_path / "t.conf", f'site "e2e" {{ root = "{site}" }}\n'
    config.write_text(without)
    server = serve("--config", config)
    namespace.curl("-o", "/dev/null", f"{URL}/hello.txt")
    config.write_text(without.replace("}", 'location "/.taphouse/" { status = true } }'))
    server.process.send_signal(signal.SIGHUP)
    while namespace.curl("-o", "/dev/null", "-w", "%{http_code}", f"{URL}/.taphouse/status.json").stdout != "200":
        time.sleep(0.02)
    rows = client(namespace, "over", STATUS, f"{URL}/hello.txt")
    assert "GET /hello.txt" in [row.get("content") for row in rows]
    # Of the first connection, and of what asked in vain, nothing was kept; of the rest its handshake.
    assert [row["third_ack"] for row in of_event(rows, "segment")[:3]] == [False, False, True]


def test_many_connections_and_one_who_does_not_read(watched, namespace):
    server = watched("websocket_events_all = true")
    told = client(namespace, "crowd", STATUS, ADDRESS, server.process.pid, 1000, 4)
    assert told["answers"] / told["seconds"] > 2000, told  # a request is two segments at least
    assert told["rows"] <= 1000 * told["seconds"] + 1500, told
    assert told["rows"] > 200 and told["left_out"] > told["rows"], told
    assert told["connections"] >= 100, told
    assert told["grown"] < 32 << 20, told
    answer = namespace.curl(f"{URL}/.taphouse/status.json").stdout
    assert json.loads(answer)["tcp_now"]["connections"] >= 1
