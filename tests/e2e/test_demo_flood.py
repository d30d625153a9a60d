"""A SYN flood to look at: it fills one port's SYN queue, stays inside, and goes away."""

import json

import pytest
from conftest import ADDRESS, sniffed, wait_until
from test_capture import fields

FLOOD = f"http://{ADDRESS}/demo/flood"
FROM = "198.51.100.0/24"


@pytest.fixture
def start(tmp_path, site, serve):
    def start(*options, syn_backlog=32):
        file = tmp_path / "t.conf"
        file.write_text(f'site "e2e" {{\n\troot = "{site}"\n\tlocation "/demo/" {{ demo = true }}\n'
                        '\tlocation "/.taphouse/" { status = true }\n}\n'
                        f'site "crowded" {{\n\troot = "{site}"\n\tlisten = {{"8080"}}\n\tsyn_backlog = {syn_backlog}\n}}\n')
        return serve("--config", file, *options)
    return start


def status(namespace):
    return json.loads(namespace.curl(f"http://{ADDRESS}/.taphouse/status.json").stdout)


def counters(namespace):
    """(half-open now, cookies sent, cookies that came back)"""
    text = json.dumps(status(namespace))
    found = {name: int(text.split(f'"{name}": ')[1].split(",")[0].rstrip("}")) for name in
             ("half_open", "SyncookiesSent", "SyncookiesRecv")}
    return found["half_open"], found["SyncookiesSent"], found["SyncookiesRecv"]


def code(namespace, *args):
    return namespace.curl("-o", "/dev/null", "-w", "%{http_code}", *args).stdout


def test_a_full_syn_queue_is_seen_and_passes(start, namespace, tmp_path):
    capture = tmp_path / "t.pcapng"
    server = start("--pcap", capture, "--gateway", "10.77.0.1")
    with sniffed(namespace, tmp_path / "outside.pcap", "net", FROM):
        told = json.loads(namespace.curl("-f", "-X", "POST", FLOOD).stdout)
        assert (told["port"], told["syns"], told["syn_backlog"]) == (8080, 48, 32)
        assert code(namespace, "-X", "POST", FLOOD) == "409"
        wait_until(lambda: counters(namespace)[:2] == (32, 16))
        # Who comes now gets a cookie, and in; on the other port the queue is not the crowded one.
        assert namespace.curl(f"http://{ADDRESS}:8080/hello.txt").stdout == "hello\n"
        assert counters(namespace)[1:] == (17, 1)
        wait_until(lambda: counters(namespace)[0] == 0)
        assert namespace.curl(f"http://{ADDRESS}:8080/hello.txt").stdout == "hello\n"
        assert counters(namespace)[1:] == (17, 1)
    assert server.stop() == 0
    assert not fields(tmp_path / "outside.pcap", "ip", "ip.dst")
    flood = f"ip.addr == {FROM}"
    assert len(fields(capture, f"{flood} && tcp.flags == 2", "ip.src")) == 48
    assert len(fields(capture, f"{flood} && tcp.flags.reset == 1", "ip.src")) == 48
    answers = fields(capture, f"ip.dst == {FROM} && tcp.flags == 0x12", "frame.comment")
    assert len(answers) >= 48 and all("impaired wire" in row[0] for row in answers)


def test_what_is_refused(start, namespace):
    start()
    assert code(namespace, FLOOD) == "405"
    assert code(namespace, "-X", "POST", f"{FLOOD}?port=80") == "400"  # has no SYN queue of its own
    assert code(namespace, "-X", "POST", f"{FLOOD}?port=x") == "400"
    assert code(namespace, "-X", "POST", f"{FLOOD}?port=70000") == "400"
    assert code(namespace, "-X", "POST", f"{FLOOD}/more") == "404"
    assert code(namespace, "-X", "POST", "-H", "Origin: http://evil.example", FLOOD) == "403"
    assert counters(namespace)[0] == 0


def test_without_such_a_port_there_is_none_and_without_a_route_nothing_is_sent(start, namespace):
    server = start(syn_backlog=0)
    assert code(namespace, "-X", "POST", FLOOD) == "404"
    assert server.stop() == 0
    server = start(syn_backlog=4)
    assert code(namespace, "-X", "POST", f"{FLOOD}?port=8080") == "200"
    wait_until(lambda: counters(namespace)[0] == 4)
    assert server.stop() == 0  # in the middle of it
