"""taphouse serve: the ready line, short and kept-alive connections, ping, a large file, a bad wire, the end."""

import os
import re
import resource
import signal
import socket
import subprocess
import time

import pytest
from conftest import ADDRESS, ROOT, TAPHOUSE, Server, raw, sha256, sniffed, wait_until

URL = f"http://{ADDRESS}"


def test_ready_line_and_page(serve, namespace, site):
    server = serve()
    assert server.output().splitlines()[0] == f"taphouse: serving {site} at {URL}/"
    assert namespace.curl(f"{URL}/").stdout == (site / "index.html").read_text()


def test_default_site_is_served(serve, namespace):
    serve(directory=ROOT / "www")
    page = namespace.curl(f"{URL}/").stdout
    assert "<title>taphouse" in page
    for name in set(re.findall(r'(?:href|src)="([a-z][\w./-]*)"', page)):
        if "://" not in name:
            assert namespace.curl("-f", "-o", "/dev/null", "-w", "%{http_code}", f"{URL}/{name}").stdout == "200"


def test_a_connection_for_each_request(serve, namespace):
    serve()
    for _ in range(50):
        assert namespace.curl("-H", "Connection: close", f"{URL}/hello.txt").stdout == "hello\n"


def test_keep_alive_uses_one_connection(serve, namespace):
    serve()
    urls = [f"{URL}/hello.txt"] * 20
    answer = namespace.curl("-w", "%{num_connects}\n", *urls).stdout.split()
    assert answer.count("hello") == 20
    assert [n for n in answer if n != "hello"] == ["1"] + ["0"] * 19


def test_pipelined_requests_are_answered_in_order(serve, namespace):
    serve()
    requests = b"".join(b"GET /%s HTTP/1.1\r\nHost: x\r\n%s\r\n" % (name, close) for name, close in
                        [(b"hello.txt", b""), (b"nothing", b""), (b"1k.bin", b""), (b"hello.txt", b"Connection: close\r\n")])
    answers = raw(namespace, requests).stdout
    assert re.findall(rb"HTTP/1\.1 (\d+)", answers) == [b"200", b"404", b"200", b"200"]
    assert answers.endswith(b"hello\n")


def test_request_and_fin_at_once_gets_the_whole_answer(serve, namespace, site):
    serve()
    answer = raw(namespace, b"GET /1m.bin HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", half_close=True).stdout
    assert answer.split(b"\r\n\r\n", 1)[1] == (site / "1m.bin").read_bytes()


def test_ping(serve, namespace):
    serve()
    for size in (56, 1472, 8000, 60000):
        answer = namespace.run("ping", "-c", "2", "-i", "0.2", "-W", "3", "-s", size, ADDRESS).stdout
        assert " 0% packet loss" in answer


def test_one_gigabyte_arrives_intact(serve, namespace, tmp_path, site):
    big = site / "1g.bin"
    block = os.urandom(1 << 20)
    with open(big, "wb") as file:
        for i in range(1024):  # every MiB differs, so that none can take another's place
            file.write(i.to_bytes(4, "big") + block[4:])
    serve()
    program = f"set -o pipefail; curl -sS --max-time 120 {URL}/1g.bin | sha256sum"
    got = namespace.run("bash", "-c", program, timeout=150).stdout.split()[0]
    expected = sha256(big)
    big.unlink()
    assert got == expected


def test_large_segments_leave_uncut(serve, namespace, tmp_path):
    serve()
    capture = tmp_path / "tap.pcap"
    with sniffed(namespace, capture, "-s", "100", "tcp"):
        namespace.curl("-o", "/dev/null", f"{URL}/1m.bin")
    lengths = [int(n) for n in subprocess.run(
        ["tshark", "-r", capture, "-Y", "ip.src == 10.77.0.2", "-T", "fields", "-e", "frame.len"],
        capture_output=True, text=True, check=True).stdout.split()]
    assert max(lengths) > 40000
    assert sum(lengths) > 1 << 20


@pytest.mark.parametrize("impair", ["loss=5%,seed=3", "loss=2%,delay=5ms,jitter=2ms,reorder=5%,duplicate=2%,seed=4",
                                    "corrupt=1%,seed=5", "rx:loss=10%,seed=6"])
def test_a_bad_wire(serve, namespace, site, tmp_path, impair):
    serve("--impair", impair)
    target = tmp_path / "got"
    namespace.curl("-o", target, f"{URL}/1m.bin")
    assert sha256(target) == sha256(site / "1m.bin")


def test_uploads_are_read_and_bounded(serve, namespace, tmp_path):
    serve()
    body = tmp_path / "body"
    body.write_bytes(b"x" * 1000000)
    code = namespace.curl("-o", "/dev/null", "-w", "%{http_code}", "--data-binary", f"@{body}", f"{URL}/hello.txt").stdout
    assert code == "405"
    body.write_bytes(b"x" * 3000000)  # over max_body
    code = namespace.curl("-o", "/dev/null", "-w", "%{http_code}", "-H", "Expect:", "--data-binary", f"@{body}",
                          f"{URL}/hello.txt", check=False).stdout
    assert code in ("405", "413")
    assert namespace.curl(f"{URL}/hello.txt").stdout == "hello\n"


def test_parallel_connections(serve, namespace, site):
    serve()
    program = (f"for i in $(seq 40); do curl -sS --max-time 40 {URL}/1m.bin | sha256sum & done | sort | uniq -c; wait")
    counts = namespace.run("bash", "-c", program, timeout=60).stdout.split()
    assert counts[:2] == ["40", sha256(site / "1m.bin")]


def test_nobody_listens_there(serve, namespace):
    serve()
    program = f"import socket; socket.create_connection(('{ADDRESS}', 81), 10)"
    assert "ConnectionRefusedError" in namespace.run("/usr/bin/python3", "-c", program, check=False).stderr


def test_a_closed_udp_port_is_unreachable(serve, namespace):
    serve()
    program = (f"import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.connect(('{ADDRESS}', 9))\n"
               "s.settimeout(5)\ns.send(b'x')\ntry:\n    s.recv(1)\nexcept ConnectionRefusedError:\n    print('refused')\n")
    assert namespace.run("/usr/bin/python3", "-c", program).stdout == "refused\n"


def test_sigterm_lets_a_busy_request_finish(serve, namespace, tmp_path, site):
    server = serve()
    target = tmp_path / "got"
    slow = namespace.start("curl", "-sS", "--max-time", "30", "--limit-rate", "500k", "-o", target, f"{URL}/1m.bin")
    wait_until(target.exists)  # from its first byte on
    assert server.stop() == 0
    assert slow.wait(30) == 0
    assert sha256(target) == sha256(site / "1m.bin")


def test_the_tap_goes_with_the_server(serve, namespace):
    server = serve()
    assert namespace.run("ip", "link", "show", "taphouse0", check=False).returncode == 0
    assert server.stop(signal.SIGINT) == 0
    assert namespace.run("ip", "link", "show", "taphouse0", check=False).returncode != 0


def test_after_sigkill_it_starts_again(serve, namespace):
    serve().kill()
    serve()
    assert namespace.curl(f"{URL}/hello.txt").stdout == "hello\n"


def test_existing_tap_and_own_addresses(serve, namespace):
    namespace.run("ip", "tuntap", "add", "dev", "mine", "mode", "tap")
    namespace.run("ip", "addr", "add", "192.0.2.1/24", "dev", "mine")
    server = serve("--device", "tap:mine", "--address", "192.0.2.9/24", "--http", "8080", "--mac", "02:00:00:00:00:99")
    assert "http://192.0.2.9:8080/" in server.output()
    assert namespace.curl("http://192.0.2.9:8080/hello.txt").stdout == "hello\n"
    assert "02:00:00:00:00:99" in namespace.run("ip", "neigh", "show", "192.0.2.9").stdout
    assert server.stop() == 0
    assert namespace.run("ip", "link", "show", "mine", check=False).returncode == 0


@pytest.mark.parametrize("kind", ["packet", "xdp"])
def test_an_interface_is_taken_over(namespace, serve, kind):
    if kind == "xdp" and "xdp" not in namespace.run(TAPHOUSE, "version").stdout:
        pytest.skip("built without AF_XDP")
    namespace.run("ip", "link", "add", "near", "type", "veth", "peer", "name", "far")
    namespace.run("ip", "addr", "add", "10.77.0.1/24", "dev", "near")
    for name in ("near", "far"):
        namespace.run("ip", "link", "set", name, "up")
    server = serve("--device", f"{kind}:far", "--address", f"{ADDRESS}/24", "--user", "nobody")
    assert namespace.curl(f"{URL}/hello.txt").stdout == "hello\n"
    got = namespace.curl("-o", "-", f"{URL}/1m.bin", text=False).stdout
    assert len(got) == 1 << 20
    sent = namespace.curl("--data-binary", "@-", f"{URL}/hello.txt", "-o", "/dev/null", "-w", "%{http_code}",
                          input=b"x" * 100000, text=False).stdout
    assert sent == b"405"
    assert server.stop() == 0


def test_an_interface_that_goes_ends_the_server(namespace, site, tmp_path):
    namespace.run("ip", "link", "add", "near", "type", "veth", "peer", "name", "far")
    for name in ("near", "far"):
        namespace.run("ip", "link", "set", name, "up")
    kind = "xdp" if "xdp" in namespace.run(TAPHOUSE, "version").stdout else "packet"
    server = Server(namespace, site, "--device", f"{kind}:far", "--address", f"{ADDRESS}/24", tmp_path=tmp_path)
    try:
        namespace.run("ip", "link", "del", "far")
        assert server.process.wait(timeout=10) == 1
        assert "device far is gone" in server.errors.read_text()
    finally:
        server.kill()


def test_packet_device_refuses_an_interface_in_use(namespace, site):
    namespace.run("ip", "link", "add", "near", "type", "veth", "peer", "name", "far")
    namespace.run("ip", "addr", "add", "10.77.0.2/24", "dev", "far")
    namespace.run("ip", "link", "set", "far", "up")
    answer = namespace.run(TAPHOUSE, "serve", site, "--device", "packet:far", check=False)
    assert answer.returncode == 1
    assert len(answer.stderr.splitlines()) == 1 and "address" in answer.stderr


def test_unprivileged_after_start(serve, namespace):
    server = serve("--user", "nobody")
    assert namespace.curl(f"{URL}/hello.txt").stdout == "hello\n"
    status = open(f"/proc/{server.process.pid}/status").read()
    uid = subprocess.run(["id", "-u", "nobody"], capture_output=True, text=True, check=True).stdout.strip()
    assert re.search(r"^Uid:\s+(\d+)\s+(\d+)", status, re.M).group(2) == uid
    assert re.search(r"^CapEff:\s+0+$", status, re.M)


def test_as_many_descriptors_as_the_system_allows(serve, namespace, site):
    """Files that are kept open leave some for the next ones."""
    for i in range(100):
        with open(site / f"large{i}.bin", "wb") as file:
            file.truncate(2 << 20)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
    try:
        serve()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    statuses = namespace.curl("-o", "/dev/null", "-I", "-w", "%{http_code}\n", f"{URL}/large[0-99].bin").stdout
    assert statuses.split().count("200") == 100
