"""A wire of one's own: asked for by HTTP, felt by TCP, seen in the ladder and in the capture; and nobody else's."""

import json
import signal

import pytest
from conftest import ADDRESS, sha256, wait_until
from test_capture import fields

URL = f"http://{ADDRESS}"
WIRE = f"{URL}/.taphouse/wire"
OTHER = "10.77.0.7"  # a second address of the client's side
LOST = 'frame.comment contains "impaired wire"'


@pytest.fixture
def start(tmp_path, site, serve, namespace):
    def start(*options):
        file = tmp_path / "t.conf"
        file.write_text(f'site "e2e" {{\n\troot = "{site}"\n\tlocation "/.taphouse/wire" {{ wire = true }}\n'
                        '\tlocation "/.taphouse/" { status = true }\n}\n')
        server = serve("--config", file, *options)
        namespace.run("ip", "addr", "add", f"{OTHER}/24", "dev", "taphouse0")
        return server
    return start


def ask(namespace, *args):
    return json.loads(namespace.curl("-f", *args, WIRE).stdout)


def code(namespace, *args):
    return namespace.curl("-o", "/dev/null", "-w", "%{http_code}", *args, WIRE).stdout


def wait_until_reloaded(namespace):
    wait_until(lambda: json.loads(namespace.curl(f"{URL}/.taphouse/status.json").stdout)["reload"]["done"] > 0)


def rows(server):
    return [json.loads(line) for line in server.errors.read_text().splitlines()]


def test_it_is_what_was_asked_for(start, namespace):
    start()
    assert ask(namespace)["loss"] == 0 and ask(namespace)["expires_in"] == 0
    wire = ask(namespace, "-d", "loss=0.02&tx.delay_ms=3")
    assert (wire["loss"], wire["delay_ms"], wire["rx"]["delay_ms"], wire["tx"]["delay_ms"]) == (0.02, 3, 0, 3)
    assert 599 < wire["expires_in"] <= 600
    wire = ask(namespace, "-H", "Content-Type: application/json", "-d", '{"corrupt": 0.01, "loss": "1%"}')
    assert (wire["loss"], wire["corrupt"], wire["delay_ms"]) == (0.01, 0.01, 3)
    assert ask(namespace, "--interface", OTHER)["loss"] == 0
    assert ask(namespace, "-X", "DELETE")["loss"] == 0
    assert ask(namespace)["expires_in"] == 0


def test_only_pages_of_our_own_may_change_it(start, namespace):
    start()
    for field in ("Origin: http://evil.example", "Origin: null", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site"):
        assert code(namespace, "-H", field, "-d", "loss=0.1") == "403"
        assert code(namespace, "-H", field, "-X", "DELETE") == "403"
        assert code(namespace, "-H", field) == "200"
    assert ask(namespace)["loss"] == 0
    assert code(namespace, "-H", f"Origin: {URL}", "-H", "Sec-Fetch-Site: same-origin", "-d", "loss=0.1") == "200"


def test_what_is_refused_changes_nothing(start, namespace):
    start()
    for body in ("loss=0.31", "loss=x", "delay_ms=2001", "rate_kbit=1", "drop_next=fin:1", "nothing=1", "", "loss=0.1&loss"):
        assert code(namespace, "-d", body) == "400", body
    assert code(namespace, "-H", "Content-Type: text/plain", "-d", "loss=0.1") == "400"
    assert code(namespace, "-d", "a=" + "1" * 2000) == "413"
    assert code(namespace, "-H", "Transfer-Encoding: chunked", "-d", "a=" + "1" * 2000) == "413"
    assert code(namespace, "-X", "PUT", "-d", "loss=0.1") == "405"
    assert ask(namespace)["expires_in"] == 0


def test_a_bad_wire_is_seen_in_ladder_and_capture_and_the_file_arrives(start, namespace, site, tmp_path):
    capture = tmp_path / "t.pcapng"
    server = start("--trace=json", "--pcap", capture)
    ask(namespace, "-d", "tx.loss=0.1&tx.corrupt=0.05&tx.duplicate=0.05&rx.loss=0.2")
    namespace.curl("-o", tmp_path / "got", f"{URL}/1m.bin")
    assert sha256(tmp_path / "got") == sha256(site / "1m.bin")
    wire = ask(namespace, "-X", "DELETE")
    assert wire["lost"] == 0  # one that is gone
    assert server.stop() == 0
    lost = [r for r in rows(server) if r.get("drop") == "wire"]
    assert {r["from"] for r in lost} == {"client", "server"}
    sent_again = [r for r in rows(server) if r.get("sent_again") and r["from"] == "server"]
    assert {r["seq"] for r in lost if r["from"] == "server"} & {r["seq"] for r in sent_again}
    in_capture = fields(capture, LOST, "tcp.stream", "ip.src", "tcp.seq", "tcp.len")
    assert in_capture == [[str(r["number"] - 1), ADDRESS if r["from"] == "server" else "10.77.0.1", str(r["seq"]),
                           str(r["len"])] for r in lost]
    assert fields(capture, 'frame.comment contains "duplicated on the wire"', "frame.number")
    assert max(int(row[0]) for row in fields(capture, f"tcp.port == 80 && ip.src == {ADDRESS}", "frame.len")) == 1514


def test_others_are_left_alone(start, namespace, tmp_path):
    capture = tmp_path / "t.pcapng"
    server = start("--pcap", capture)
    ask(namespace, "-d", "loss=0.3")
    namespace.curl("-o", "/dev/null", f"{URL}/1k.bin")
    counted = json.loads(namespace.curl("--interface", OTHER, f"{URL}/.taphouse/status.json").stdout)
    assert counted["wire"]["tx_lost"] + counted["wire"]["rx_lost"] == counted["drops"]["wire"]
    namespace.curl("--interface", OTHER, "-o", "/dev/null", f"{URL}/1m.bin")
    assert server.stop() == 0
    assert not fields(capture, f"ip.addr == {OTHER} && tcp.analysis.retransmission", "frame.number")
    assert not fields(capture, f"{LOST} && ip.addr == {OTHER}", "frame.number")
    assert max(int(row[0]) for row in fields(capture, f"ip.dst == {OTHER}", "frame.len")) > 1514


@pytest.mark.parametrize("kind, sender, flags", [("synack", "server", "SYN,ACK"), ("syn", "client", "SYN")])
def test_the_next_handshake_loses_one_segment(start, namespace, kind, sender, flags):
    server = start("--trace=json")
    assert ask(namespace, "-d", f"drop_next={kind}:1")["drop_next"] == f"{kind}:1"
    assert namespace.curl(f"{URL}/hello.txt").stdout == "hello\n"
    wire = ask(namespace)
    assert (wire["drop_next"], wire["dropped"], wire["lost"]) == ("", 1, 0)
    assert server.stop() == 0
    second = [r for r in rows(server) if r["event"] == "segment" and r["number"] == 2]
    lost = [r for r in second if r.get("drop") == "wire"]
    assert [(r["from"], r["flags"]) for r in lost] == [(sender, flags)]
    assert any(r["from"] == sender and r["flags"] == flags and r.get("sent_again") and "drop" not in r for r in second)
    assert lost[0]["client_state"] == "SYN-SENT"
    assert lost[0]["server_state"] == ("SYN-RECEIVED" if kind == "synack" else "LISTEN")


def test_data_on_the_connection_that_asked(start, namespace):
    """The answer to what asks comes; the next one is lost, and comes again."""
    server = start("--trace=json")
    namespace.curl("-f", "-d", "tx.drop_next=data:1", WIRE, "--next", "-f", f"{URL}/hello.txt")
    assert server.stop() == 0
    segments = [r for r in rows(server) if r["event"] == "segment"]
    lost = [r for r in segments if r.get("drop") == "wire"]
    assert {r["number"] for r in segments} == {1}
    assert len(lost) == 1 and lost[0]["from"] == "server" and lost[0]["seq"] > 1
    assert any(r.get("sent_again") and r["seq"] == lost[0]["seq"] and "drop" not in r for r in segments)


def test_a_port_tells_which(start, namespace):
    start()
    ask(namespace, "-d", "drop_next=synack:1&port=9")
    assert namespace.curl(f"{URL}/hello.txt").stdout == "hello\n"
    assert ask(namespace)["dropped"] == 0
    ask(namespace, "-d", "drop_next=synack:1&port=80")
    assert namespace.curl(f"{URL}/hello.txt").stdout == "hello\n"
    assert ask(namespace)["dropped"] == 1


def test_the_worst_wire_can_be_made_good_again(start, namespace):
    start()
    worst = "loss=0.3&reorder=0.3&duplicate=0.3&corrupt=0.3&delay_ms=20&jitter_ms=20&rate_kbit=64"
    ask(namespace, "-d", worst)
    deleted = None
    for _ in range(20):  # as a person would: again, when it takes long
        deleted = namespace.curl("-f", "-X", "DELETE", "--max-time", "5", WIRE, check=False)
        if deleted.returncode == 0:
            break
    assert ask(namespace)["expires_in"] == 0


def test_a_reload_keeps_it(start, namespace):
    server = start()
    ask(namespace, "-d", "tx.loss=0.01&drop_next=syn:3&port=9")
    server.process.send_signal(signal.SIGHUP)
    wait_until_reloaded(namespace)
    wire = ask(namespace)
    assert (wire["tx"]["loss"], wire["drop_next"]) == (0.01, "syn:3")


def test_the_table_is_bounded(start, namespace):
    start()
    for i in range(16):
        address = f"10.77.0.{20 + i}"
        namespace.run("ip", "addr", "add", f"{address}/24", "dev", "taphouse0")
        assert code(namespace, "--interface", address, "-d", "delay_ms=1") == "200"
    assert code(namespace, "-d", "delay_ms=1") == "503"
    assert code(namespace, "--interface", "10.77.0.20", "-X", "DELETE") == "200"
    assert code(namespace, "-d", "delay_ms=1") == "200"


def test_it_stands_over_the_impairment_of_all(start, namespace, tmp_path, site):
    server = start("--trace=json", "--impair", "tx:loss=5%,seed=3")
    ask(namespace, "-d", "tx.loss=0.05&rx.loss=0.02")
    namespace.curl("-o", tmp_path / "got", f"{URL}/1m.bin")
    assert sha256(tmp_path / "got") == sha256(site / "1m.bin")
    assert server.stop() == 0
    lost = [r for r in rows(server) if r.get("drop") == "wire" and r["from"] == "server" and r["len"] > 0]
    wanted = {(r["number"], r["seq"]) for r in lost}
    again = {(r["number"], r["seq"]) for r in rows(server) if r.get("sent_again")}
    assert wanted and len(wanted & again) > len(wanted) / 2
