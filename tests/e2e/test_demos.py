"""make demo: each demo plays to its end, at 80 columns, and what it prints is what a capture of the same frames has."""

import concurrent.futures
import functools
import hashlib
import os
import re
import subprocess
import sys

import pytest
from conftest import ROOT, TAPHOUSE
from test_capture import fields
from test_trace import bits, ladder

RUN = ROOT / "demo" / "run"
TOUR = ["handshake", "close", "keepalive", "get_post", "https", "websocket", "reliability", "flow_control", "congestion",
        "layers"]


FIELDS = ["tcp.stream", "tcp.srcport", "tcp.dstport", "tcp.flags", "tcp.seq", "tcp.len", "tcp.window_size", "tcp.payload",
          "http.request.method", "http.request.uri", "http.response.code", "frame.comment"]


class Played:
    """What a demo printed, and where its captures are."""

    def __init__(self, name, folder):
        answer = subprocess.run([sys.executable, "-B", RUN, "--captures", folder, name], capture_output=True, text=True,
                                timeout=120, env={**os.environ, "TAPHOUSE": TAPHOUSE, "PYTHONIOENCODING": "utf-8"})
        assert answer.returncode == 0, answer.stdout + answer.stderr
        self.name, self.folder, self.text = name, folder, answer.stdout

    def capture(self, number=1, of=None):
        return self.folder / f"{of or self.name}-{number}.pcapng"

    @functools.cache
    def segments(self, number=1, port=80, of=None):
        """What tshark says of the port's segments in a capture."""
        rows = [dict(zip(FIELDS, row)) for row in fields(self.capture(number, of), f"tcp.port == {port}", *FIELDS)]
        for row in rows:
            row["flags"] = int(row["tcp.flags"], 16) & 255
            row["is_servers"] = row["tcp.srcport"] == str(port)
        return rows

    def rows(self, number=1, port=80):
        """The same, connections counted as the ladder counts them: (connection, from the server, flags, seq, len)."""
        numbers = {}
        return [(numbers.setdefault(row["tcp.stream"], len(numbers) + 1), row["is_servers"], row["flags"],
                 int(row["tcp.seq"]), int(row["tcp.len"])) for row in self.segments(number, port)]

    def commented(self, text, number=1, of=None):
        return [row for row in self.segments(number, of=of) if re.search(text, row["frame.comment"])]

    def ladder(self, after="", until=None):
        """The segments that were printed between two texts, as rows() has them."""
        text = self.text[self.text.index(after):]
        return [(int(r["number"]), r["arrow"][0] in "<x", bits(r["flags"].split()), int(r["seq"]), int(r["len"]))
                for r in ladder(text[:text.index(until)] if until else text)]

    def number(self, label):
        return float(re.search(rf"{label} +([\d.,]+)", self.text)[1].replace(",", ""))


@pytest.fixture(scope="module")
def play(tmp_path_factory):
    """Three play at a time: most of what they do is to wait."""
    folder = tmp_path_factory.mktemp("demos")
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        playing = {name: pool.submit(Played, name, folder) for name in TOUR}
        yield lambda name: playing[name].result()


def assert_reads_well(played):
    lines = played.text.splitlines()
    assert max(map(len, lines)) <= 80, max(lines, key=len)
    assert lines[1] == "=" * len(lines[0])
    assert "Traceback" not in played.text


def test_list_and_tour_name_all():
    answer = subprocess.run([sys.executable, "-B", RUN, "--list"], capture_output=True, text=True, check=True)
    assert re.findall(r"DEMO=(\S+)", answer.stdout) == TOUR
    assert {path.stem for path in RUN.parent.glob("*.py")} == {*TOUR, "stage"}


def test_only_root_and_only_what_there_is():
    everyone = subprocess.run(["setpriv", "--reuid", "65534", "--clear-groups", sys.executable, "-B", RUN, "close"],
                              capture_output=True, text=True)
    if "Permission denied" not in everyone.stderr:  # the checkout, or Python, is root's alone
        assert everyone.returncode == 1 and "run them as root" in everyone.stderr
    wrong = subprocess.run([sys.executable, "-B", RUN, "handshakes"], capture_output=True, text=True)
    assert wrong.returncode == 2 and "there is no demo 'handshakes'" in wrong.stderr


def test_handshake(play):
    played = play("handshake")
    assert_reads_well(played)
    third, lost, full, cookie = (played.rows(number) for number in (1, 2, 3, 4))
    a_loss, a_queue, a_cookie = "A SYN-ACK is lost", "A full SYN queue", "A SYN cookie"
    assert played.ladder(until=a_loss) == third
    assert third[2][2] == bits(["PSH", "ACK"]) and third[2][4] > 0  # the third ACK, with the request
    assert played.number("with data on the third ACK:") == 1
    assert played.ladder(a_loss, until=a_queue) == lost
    assert [row[2] for row in lost].count(bits(["SYN", "ACK"])) == 2
    assert played.number("SYN-ACKs sent again:") == 1
    shown = played.ladder(a_queue, until=a_cookie)
    assert [row[2] for row in shown] == [bits(["SYN"])] * 3 and set(shown) <= set(full)
    assert [row["flags"] for row in played.commented("SYN queue is full", 3)][:1] == [bits(["SYN"])]
    assert played.ladder(a_cookie) == [row for row in cookie if row[0] == 3]
    assert len(played.commented("SYN cookie", 4)) == 1 and played.number("that came back:") == 2  # with the question's


def test_close(play):
    played = play("close")
    assert_reads_well(played)
    rows = played.rows()
    assert played.ladder() == rows
    fin = bits(["FIN"])
    first = {number: next(row[1] for row in rows if row[0] == number and row[2] & fin) for number in (1, 2, 3)}
    assert first == {1: False, 2: True, 3: False}  # who goes first
    assert played.number("in TIME-WAIT at the server:") == 1 and played.number("after 2 x msl:") == 0
    behind = rows[rows.index(next(row for row in rows if row[0] == 3 and row[2] & fin)):]
    told = int(re.search(r"(\d+) bytes after our FIN", played.text)[1])
    assert told == sum(row[4] for row in behind if row[1])


def test_keepalive(play):
    played = play("keepalive")
    assert_reads_well(played)
    rows = played.rows()
    syn = bits(["SYN"])
    short, kept = ([row for row in rows if row[0] in which] for which in (range(2, 22), [22]))
    table = {key: [int(n.replace(",", "")) for n in values] for key, *values in
             re.findall(r"^  (\w+) +([\d,]+) +([\d,]+)$", played.text, re.M)}
    assert table["handshakes"] == [sum(row[2] == syn for row in part) for part in (short, kept)] == [20, 1]
    assert table["packets"] == [len(short), len(kept)]
    assert table["bytes"][0] > table["bytes"][1] > 20 * 1024
    assert set(played.ladder()) <= set(rows)


def test_get_post(play):
    played = play("get_post")
    assert_reads_well(played)
    rows = played.rows()
    assert played.ladder() == [row for row in rows if row[0] <= 2]
    segments = played.segments()
    asked = [(row["http.request.method"], row["http.request.uri"]) for row in segments if row["http.request.method"]]
    assert asked[:2] == [("GET", "/echo?name=Ann&words=two+pints"), ("POST", "/echo")]
    for method, uri in asked[:2]:
        assert f"\n  {method} {uri} HTTP/1.1\n  from" in played.text  # as the server saw it
        assert f"\n  {method} {uri} HTTP/1.1\n" in played.text.split("access.log")[1]  # and logged it
    answers = [int(code) for row in segments for code in row["http.response.code"].split(",") if code not in ("", "100")]
    assert answers == [200, 200, 414, 200, 413, 200, 304, 200, 405]
    assert [int(code) for code in re.findall(r"^  (?:HTTP/1.1 )?(\d{3})\b", played.text, re.M)] == answers[2:]


def test_https(play):
    played = play("https")
    assert_reads_well(played)
    rows = played.rows(port=443)
    resumed = "A session may be resumed"
    # What comes behind the end (a FIN sent again, by a machine that is busy) is not shown.
    for number, printed in ((1, played.ladder(until=resumed)), (3, played.ladder(resumed))):
        assert printed == [row for row in rows if row[0] == number][:len(printed)]
        assert {is_server for _, is_server, flags, _, _ in printed if flags & 1} == {True, False}
    first, third = played.text.split(resumed)
    assert "TLS Certificate\n" in first and "TLS Certificate\n" not in third and "TLS Finished\n" in third
    assert "  New, TLSv1.3" in third and "  Reused, TLSv1.3" in third
    assert "the server has counted: 2 full, 1 resumed" in third
    # A certificate takes several hundred bytes, which the resumed handshake does not send.
    sent = {number: next(row[4] for row in rows if row[0] == number and row[1] and row[4]) for number in (1, 3)}
    assert sent[3] < sent[1] / 2


def test_websocket(play):
    played = play("websocket")
    assert_reads_well(played)
    assert sorted(played.ladder()) == sorted(played.rows())
    frames = re.findall(r"^  (->|<-) ((?:[\da-f]{2} ?)+)", played.text, re.M)
    carried = [row["tcp.payload"].replace(":", "") for row in played.segments()
               if row["tcp.payload"] and not row["http.request.method"] and not row["http.response.code"]]
    assert [frame.strip().replace(" ", "") for _, frame in frames] == carried
    assert [frame[:2] for _, frame in frames[:6]] == ["81", "81", "89", "8a", "88", "88"]
    assert "b'hello'" in played.text and played.text.count("b'A pint?'") == 2


def test_reliability(play):
    played = play("reliability")
    assert_reads_well(played)
    data = bytes(i * i % 251 for i in range(1 << 20))
    assert re.findall(r"^  ([\da-f]{64}) ", played.text, re.M) == [hashlib.sha256(data).hexdigest()] * 2
    again = len(played.commented("retransmission|tail loss probe"))
    # A segment may be several frames, and a probe may be new data.
    assert again / 2 < played.number("sent again by the server") <= again
    assert played.number("lost or damaged on its way out, or lost in") > 0
    assert set(played.ladder()) <= set(played.rows())


def test_flow_control(play):
    played = play("flow_control")
    assert_reads_well(played)
    data = bytes(i * i % 251 for i in range(90_000))
    assert re.findall(r"^  ([\da-f]{64})\b", played.text, re.M) == [hashlib.sha256(data).hexdigest()] * 2
    probes = played.commented("window probe")
    zero = [row for row in played.segments() if not row["is_servers"] and row["tcp.window_size"] == "0"]
    assert len(probes) == played.text.count("window probe\n") >= 2
    assert len(zero) >= len(probes) and len(re.findall(r"-- ACK .* win 0 ", played.text)) > 2
    assert set(played.ladder()) <= set(played.rows())


def test_congestion(play):
    played = play("congestion")
    assert_reads_well(played)
    (heads,) = re.findall(r"^ +reno +\| cubic +\| bbr +$", played.text, re.M)
    width = len(heads.split(" | ")[1])
    drawn = [line[8:].split(" | ") for line in re.findall(r"^[ \d]{6}  [ ▁-█]+ \| [ ▁-█]+ \| [ ▁-█]+$", played.text, re.M)]
    assert len(drawn) == 10 and all(len(part) == width for line in drawn for part in line)
    assert any(part.strip() for part in drawn[0])  # the largest window reaches the top
    assert all(drawn[-1][column][-1] != " " for column in range(3))  # all three send to the end
    rates = re.search(r"Mbit/s +([\d.]+) +([\d.]+) +([\d.]+)", played.text).groups()
    assert all(0 < float(rate) < 11 for rate in rates)
    again = re.search(r"sent again +(\d+) +(\d+) +(\d+)", played.text).groups()
    for name, told in zip(("reno", "cubic", "bbr"), map(int, again)):
        captured = len(played.commented("retransmission|tail loss probe", of=f"congestion-{name}"))
        assert captured / 2 <= told <= captured * 2  # a segment sent again may be several in one frame


def test_layers(play):
    played = play("layers")
    assert_reads_well(played)
    names = ["eth.dst", "eth.src", "ip.id", "ip.ttl", "ip.src", "ip.dst", "tcp.srcport", "tcp.seq_raw", "tcp.ack_raw",
             "tcp.window_size_value", "tcp.options.timestamp.tsval", "tcp.payload"]
    (row,) = fields(played.capture(), "http.request", *names)
    frame = dict(zip(names, row))

    def shown(name, text):
        assert re.search(rf"^  [\da-f ]+ {name} +{re.escape(text)}\b", played.text, re.M), f"{name}: {text}"

    shown("destination", frame["eth.dst"])
    shown("source", frame["eth.src"])
    shown("identification", f"{int(frame['ip.id'], 16):,}")
    shown("time to live", frame["ip.ttl"])
    shown("source", frame["ip.src"])
    shown("destination", frame["ip.dst"])
    shown("source port", f"{int(frame['tcp.srcport']):,}")
    shown("sequence number", f"{int(frame['tcp.seq_raw']):,}")
    shown("acknowledgement", f"{int(frame['tcp.ack_raw']):,}")
    shown("window", f"{int(frame['tcp.window_size_value']):,}")
    shown("timestamps", f"{int(frame['tcp.options.timestamp.tsval']):,}")
    text = "".join(re.findall(r"^  ((?:[\da-f]{2} ?){1,16}) {2,}\S", played.text.split("7 application")[1], re.M))
    assert text.replace(" ", "") == frame["tcp.payload"].replace(":", "")
    assert re.search(r"header checksum +right", played.text)


def test_nothing_stays_behind(play):
    for name in TOUR:
        play(name)
    namespaces = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    for pid in re.findall(r"taphouse-demo-(\d+)", namespaces):
        assert os.path.exists(f"/proc/{pid}"), f"the namespace of {pid} is still there"
