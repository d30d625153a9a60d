"""--trace: the ladder says what happened on the wire, as tshark reads it in the capture of the same frames."""

import json
import os
import pty
import re
import subprocess

import pytest
from conftest import ADDRESS, TAPHOUSE
from test_capture import fields
from test_get import kernel_https_server, kernel_server  # noqa: F401: fixtures

URL = f"http://{ADDRESS}"
SEGMENT = re.compile(r" *(?P<ms>[\d.]+) #(?P<number>\d+) +(?P<client>[A-Z-]+(?:[12])?) +(?P<arrow>--|==|[<x]-|[<x]=) "
                     r"(?P<flags>(?:[A-Z]{3} )+| )(?P<seq>\d+)\+(?P<len>\d+)(?: ack (?P<ack>\d+))? win (?P<win>\d+)"
                     r"(?P<rest>.*[->=x<]) (?P<server>\S+)$")


def ladder(text):
    return [m.groupdict() for m in map(SEGMENT.match, text.splitlines()) if m]


def bits(names):
    values = {"FIN": 1, "SYN": 2, "RST": 4, "PSH": 8, "ACK": 16, "URG": 32, "ECE": 64, "CWR": 128}
    return sum(values[name] for name in names)


def by_tshark(capture):
    """(connection, flags, seq, ack, len, window, microseconds) of each segment."""
    rows = fields(capture, "tcp", "tcp.stream", "tcp.flags", "tcp.seq", "tcp.ack", "tcp.len", "tcp.window_size",
                  "tcp.time_relative")
    return [(int(stream) + 1, int(flags, 16) & 255, int(seq), int(ack) if int(flags, 16) & 16 else None, int(length),
             int(window), round(float(time) * 1e6)) for stream, flags, seq, ack, length, window, time in rows]


def test_a_short_request_fits_a_screen_and_agrees_with_tshark(serve, namespace, tmp_path):
    capture = tmp_path / "t.pcapng"
    server = serve("--trace", "--pcap", capture)
    namespace.curl("-H", "Connection: close", f"{URL}/1k.bin", text=False)
    assert server.stop() == 0
    text = server.errors.read_text()
    assert len(text.splitlines()) <= 24
    assert max(map(len, text.splitlines())) <= 80
    rows = ladder(text)
    ours = [(int(r["number"]), bits(r["flags"].split()), int(r["seq"]), int(r["ack"]) if r["ack"] else None,
             int(r["len"]), int(r["win"]), round(float(r["ms"]) * 1000)) for r in rows]
    assert ours == by_tshark(capture)
    senders = [row[0] for row in fields(capture, "tcp", "ip.src")]
    assert [r["arrow"] for r in rows] == ["<-" if s == ADDRESS else "--" for s in senders]
    assert [r["server"] for r in rows[:3]] == ["SYN-RCVD", "SYN-RCVD", "ESTAB"]
    assert [r["client"] for r in rows[:3]] == ["SYN-SENT", "ESTAB", "ESTAB"]
    assert "third ACK" in rows[2]["rest"]
    # We close first: TIME-WAIT is ours, whoever gets its FIN in first.
    assert rows[-1]["server"] == "TIME-WAIT"
    # Behind the segment that brought it, and in front of the one that it causes.
    order = ["GET /1k", "HTTP request: GET /1k.bin HTTP/1.1\n", "HTTP response: 200 OK\n",
             "HTTP body: all 1024 bytes; close\n", "<- FIN PSH ACK 1+"]
    assert sorted(order, key=text.index) == order


def test_json_agrees_with_tshark(serve, namespace, tmp_path):
    capture = tmp_path / "t.pcapng"
    server = serve("--trace=json", "--pcap", capture)
    namespace.curl("-o", "/dev/null", f"{URL}/1m.bin", "-o", "/dev/null", f"{URL}/hello.txt")
    namespace.curl("-o", "/dev/null", f"{URL}/missing", check=False)
    namespace.curl("--max-time", "2", f"http://{ADDRESS}:81/", check=False)
    assert server.stop() == 0
    rows = [json.loads(line) for line in server.errors.read_text().splitlines()]
    segments = [r for r in rows if r["event"] == "segment"]
    ours = [(r["number"], bits(r["flags"].split(",")), r["seq"], r.get("ack"), r["len"], r["window"],
             round(r["since"] * 1e6)) for r in segments]
    theirs = by_tshark(capture)
    # tshark begins to count the numbers of a side that refuses at 1, where no SYN has been.
    assert theirs[-1][1] == 4 | 16 and theirs[-1][2] in (0, 1)
    assert ours[:-1] == theirs[:-1] and ours[-1][:2] == theirs[-1][:2]
    assert [r["number"] for r in rows if r["event"] == "opened"] == [1, 2, 3]
    assert segments[-2]["drop"] == "tcp_no_connection" and segments[-1]["server_state"] == "CLOSED"
    assert [r["note"] for r in rows if r["event"] == "step" and r["number"] == 2][:2] == [
        "HTTP request: GET /missing HTTP/1.1", "HTTP response: 404 Not Found"]
    assert all(r["inferred"] == "client" for r in segments)


def test_retransmissions_and_drops_are_shown(serve, namespace, tmp_path):
    capture = tmp_path / "t.pcapng"
    server = serve("--trace", "--pcap", capture, "--impair", "tx:loss=5%,rx:corrupt=5%,seed=3")
    namespace.curl("-o", "/dev/null", f"{URL}/1m.bin")
    assert server.stop() == 0
    text = server.errors.read_text()
    # A note stands in the arrow where there is room, else in a line of its own.
    notes = re.compile(r"(?:fast|SYN-ACK) retransmission|retransmission \(RTO\)")
    resent = [row for row in fields(capture, "frame.comment", "frame.comment") if notes.search(row[0])]
    assert resent and len(notes.findall(text)) == len(resent)
    assert any(r["arrow"] == "<=" for r in ladder(text))
    dropped = fields(capture, "frame.comment contains \"dropped: TCP checksum\"", "frame.number")
    # What is damaged in its addresses or ports belongs to no connection.
    assert 0 < text.count("dropped: TCP checksum is wrong") <= len(dropped)
    crossed = [r for r in ladder(text) if r["rest"].endswith("x") or r["arrow"].startswith("x")]
    assert len(crossed) == text.count("dropped:") > text.count("dropped: TCP checksum is wrong")
    assert "loss: RACK" in text


def test_tls_stands_between_the_segments(namespace, kernel_https_server):  # noqa: F811
    url, authority = kernel_https_server
    answer = namespace.run(TAPHOUSE, "get", "--trace", "--ca", authority, f"{url}/hello.txt")
    assert answer.stdout == "hello\n"
    lines = [re.sub(r"^ +#1 +", "", line) for line in answer.stderr.splitlines()]
    steps = [line for line in lines if line.startswith(("TLS ", "HTTP "))]
    assert steps[0] == "TLS ClientHello" and steps.index("TLS ServerHello") == 1
    assert steps.count("TLS Finished") == 2
    at = [i for i, line in enumerate(lines) if line == "TLS Finished"]
    assert lines.index("TLS ClientHello") < at[0] < at[1] < lines.index("HTTP request: GET /hello.txt HTTP/1.1")
    assert "third ACK" in answer.stderr.split("TLS ServerHello")[0]
    assert lines.index("HTTP response: 200 OK") < lines.index("HTTP body: all 6 bytes; close")
    # The client's are on the left, the server's on the right.
    columns = {step: min(line.find(step) for line in answer.stderr.splitlines() if step in line)
               for step in ("TLS ClientHello", "TLS ServerHello")}
    assert columns["TLS ClientHello"] < columns["TLS ServerHello"]
    assert ladder(answer.stderr)[-1]["client"] in ("CLOSED", "TIME-WAIT")


def test_one_connection_may_be_seen_alone(serve, namespace):
    server = serve("--trace=40007")
    namespace.curl("-o", "/dev/null", f"{URL}/hello.txt")
    namespace.curl("-o", "/dev/null", "--local-port", "40007", f"{URL}/hello.txt")
    server.stop()
    text = server.errors.read_text()
    assert "port 40007" in text and {r["number"] for r in ladder(text)} == {"1"}


def on_a_terminal(namespace, *command, **environment):
    """What a command writes to its standard error, when that is a terminal."""
    ours, theirs = pty.openpty()
    process = namespace.start(*command, stderr=theirs, stdout=subprocess.DEVNULL,
                              env={**{k: v for k, v in os.environ.items() if k != "NO_COLOR"}, "TERM": "xterm",
                                   **environment})
    os.close(theirs)
    told = b""
    try:
        while block := os.read(ours, 65536):
            told += block
    except OSError:  # the other side is gone
        pass
    os.close(ours)
    process.wait(20)
    return told.decode()


def test_colour_is_for_terminals_that_want_it(namespace, kernel_server):  # noqa: F811
    command = [TAPHOUSE, "get", "--trace", f"{kernel_server}/hello.txt"]
    assert "\033[1m" in on_a_terminal(namespace, *command)
    assert "\033" not in on_a_terminal(namespace, *command, NO_COLOR="1")
    assert "\033" not in on_a_terminal(namespace, *command, TERM="dumb")
    assert "\033" not in namespace.run(*command).stderr


def test_a_terminal_that_stands_still_holds_nobody_up(namespace, site):
    """Its other side reads nothing until the end: the server serves, and says what it left out."""
    ours, theirs = pty.openpty()
    process = namespace.start(TAPHOUSE, "serve", site, "--trace", stderr=theirs, stdout=subprocess.PIPE, text=True)
    try:
        assert "serving" in process.stdout.readline()
        for _ in range(40):
            size = namespace.curl("-o", "/dev/null", "-w", "%{size_download}", f"{URL}/1m.bin").stdout
            assert size == str(1 << 20)
        process.terminate()
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
        os.close(theirs)
        os.close(ours)


@pytest.mark.parametrize("command", [["serve", "--trace=jsom"], ["get", "--trace=jsom", "http://10.78.0.1/"]])
def test_nonsense_is_a_usage_error(namespace, command):
    answer = namespace.run(TAPHOUSE, *command, check=False)
    assert answer.returncode == 2 and "\"jsom\" is not json" in answer.stderr
