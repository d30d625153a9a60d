"""What the server says about itself, and who may read it: JSON, whole and parsed; test_metrics.py has the metrics."""

import json
import re
import subprocess

import pytest
from conftest import ADDRESS, ROOT, TAPHOUSE

URL = f"http://{ADDRESS}"
STATUS = f"{URL}/.taphouse"


@pytest.fixture
def configure(tmp_path, site, serve):
    """configure(locations) serves the site with these location sections."""

    def start(locations='location "/.taphouse/" { status = true }', *options):
        file = tmp_path / "t.conf"
        file.write_text(f'site "e2e" {{\n\troot = "{site}"\n\t{locations}\n}}\n')
        return serve("--config", file, *options)

    return start


def fetch(namespace, name):
    return json.loads(namespace.curl("-f", f"{STATUS}/{name}").stdout)


def test_without_a_location_nothing_is_said(serve, namespace):
    serve()
    for path in ("", "/", "/status.json", "/metrics"):
        assert namespace.curl("-o", "/dev/null", "-w", "%{http_code}", STATUS + path).stdout == "404"


def test_the_configuration_shipped_has_a_status_location(serve, namespace):
    serve("--config", ROOT / "conf" / "taphouse.conf")
    assert fetch(namespace, "status.json")["tcp_now"]["connections"] == 1


def test_page_links_to_the_documents(configure, namespace):
    configure()
    page = namespace.curl("-f", "-L", STATUS).stdout
    links = re.findall(r'<a href="([^"#]+)"', page)
    assert links == ["status.json", "connections.json", "metrics"]
    for link in links:
        assert namespace.curl("-f", "-o", "/dev/null", "-w", "%{http_code}", f"{STATUS}/{link}").stdout == "200"


def test_headers(configure, namespace):
    configure()
    for name, media in [("status.json", "application/json"), ("connections.json", "application/json"),
                        ("metrics", "text/plain; version=0.0.4; charset=utf-8")]:
        head = namespace.curl("-I", f"{STATUS}/{name}").stdout
        assert head.startswith("HTTP/1.1 200 ")
        assert f"Content-Type: {media}\n" in head
        assert "Cache-Control: no-store" in head
        assert int(re.search(r"Content-Length: (\d+)", head)[1]) > 100


def test_other_methods_and_paths(configure, namespace):
    configure()
    answer = namespace.curl("-i", "-d", "a=b", f"{STATUS}/status.json").stdout
    assert answer.startswith("HTTP/1.1 405 ") and "Allow: GET, HEAD, OPTIONS" in answer
    assert namespace.curl("-i", f"{STATUS}/nothing").stdout.startswith("HTTP/1.1 404 ")
    assert namespace.curl("-i", f"{URL}/.taphousex/").stdout.startswith("HTTP/1.1 404 ")
    assert namespace.curl(f"{URL}/hello.txt").stdout == "hello\n"


def test_allow(configure, namespace):
    configure('location "/.taphouse/" { status = true allow = {"192.0.2.0/24", 10.77.0.9} }\n'
              'location "/mine/" { status = true allow = 10.77.0.1 }')
    assert namespace.curl("-i", f"{STATUS}/status.json").stdout.startswith("HTTP/1.1 403 ")
    namespace.run("ip", "address", "add", "10.77.0.9/24", "dev", "taphouse0")
    from_other = ("--interface", "10.77.0.9", "-i")
    assert namespace.curl(*from_other, f"{STATUS}/status.json").stdout.startswith("HTTP/1.1 200 ")
    assert namespace.curl(*from_other, f"{URL}/mine/status.json").stdout.startswith("HTTP/1.1 403 ")
    assert namespace.curl("-i", f"{URL}/mine/status.json").stdout.startswith("HTTP/1.1 200 ")


def test_a_client_from_elsewhere_is_denied_by_default(configure, namespace):
    configure('location "/.taphouse/" { status = true }', "--gateway", "10.77.0.1")
    namespace.run("ip", "address", "add", "10.99.0.1/32", "dev", "lo")
    elsewhere = ("--interface", "10.99.0.1", "-i")
    assert namespace.curl(*elsewhere, f"{URL}/hello.txt").stdout.startswith("HTTP/1.1 200 ")
    assert namespace.curl(*elsewhere, f"{STATUS}/status.json").stdout.startswith("HTTP/1.1 403 ")
    assert namespace.curl("-i", f"{STATUS}/status.json").stdout.startswith("HTTP/1.1 200 ")


def test_counters_move(configure, namespace):
    configure()
    before = fetch(namespace, "status.json")
    for _ in range(5):
        namespace.curl("-f", "-o", "/dev/null", f"{URL}/1m.bin")
    namespace.run("ping", "-c", "3", "-i", "0.2", ADDRESS)
    namespace.curl("-o", "/dev/null", f"{URL}:81/", check=False)  # nobody listens
    after = fetch(namespace, "status.json")

    def moved(*path):
        a, b = before, after
        for step in path:
            a, b = a[step], b[step]
        return b - a

    assert moved("tcp", "PassiveOpens") == 6
    assert moved("tcp", "TCPOutBytes") >= 5 << 20
    assert moved("tcp", "OutRsts") == 1
    assert moved("drops", "tcp_no_connection") == 1
    assert moved("icmp", "InEchos") == moved("icmp", "OutEchoReps") == 3
    assert moved("ip", "InReceives") > 10
    assert moved("device", "rx_bytes") > 0 and moved("device", "tx_bytes") > 5 << 20
    assert moved("http", 0, "requests") == 6
    assert moved("http", 0, "responses", "2xx") == 6
    assert after["http"][0]["port"] == 80
    assert after["tcp_now"]["connections"] == 1
    assert after["pools"]["tcp_connection"]["in_use"] >= 1
    assert after["pools"]["tcp_connection"]["limit"] == after["limits"]["tcp"]["max_connections"] == 131072
    assert after["limits"]["tcp"]["msl"] == 30_000_000
    assert after["limits"]["http"]["max_uri"] == 8192
    assert after["interface"]["addresses"] == ["10.77.0.2/24"]
    version = subprocess.run([TAPHOUSE, "version"], capture_output=True, text=True, check=True).stdout
    assert version.splitlines()[0] == f"taphouse {after['version']}"


def test_the_very_connection_is_in_its_row(configure, namespace):
    configure()
    # Three requests on one connection: the row in the third answer is that connection's own.
    program = f"""
import http.client, json, sys
c = http.client.HTTPConnection("{ADDRESS}", timeout=10)
for path in ("/1k.bin", "/1m.bin", "/.taphouse/connections.json"):
    c.request("GET", path)
    body = c.getresponse().read()
print(c.sock.getsockname()[1])
print(body.decode())
"""
    port, _, document = namespace.run("/usr/bin/python3", "-c", program).stdout.partition("\n")
    connections = json.loads(document)
    assert connections["truncated"] is False
    assert connections["tcp_now"]["connections"] == len(connections["connections"]) == 1
    (row,) = connections["connections"]
    assert connections["you"] == {key: row[key] for key in ("remote", "remote_port", "local_port")}
    assert (row["remote"], row["remote_port"]) == ("10.77.0.1", int(port))
    assert row["id"] >= 1
    assert (row["local"], row["local_port"]) == (ADDRESS, 80)
    assert row["state"] == "ESTABLISHED"
    assert row["requests"] == 2
    assert row["tls"] is None
    assert isinstance(row["congestion"], str)
    assert row["mss"] == 1448
    assert row["cwnd"] > 10 * row["mss"]  # a megabyte went through slow start
    assert row["ssthresh"] > 0 and row["rto"] >= 200_000
    assert 0 < row["srtt"] < 1_000_000
    assert row["snd.wnd"] > 1000 and row["rcv.wnd"] > 1000
    assert row["bytes_acked"] > 1 << 20
    assert row["bytes_received"] > 100
    assert row["segs_in"] > 1 and row["segs_out"] > 1
    assert row["retransmissions"] == 0 and row["lost"] == row["sacked"] == 0
    assert row["sack"] is row["timestamps"] is row["window_scaling"] is True
    assert 0 < row["min_rtt"] <= row["srtt"] * 2


def test_many_connections_have_a_row_each(configure, namespace):
    configure()
    program = f"""
import socket, sys
s = [socket.create_connection(("{ADDRESS}", 80), 10) for _ in range(300)]
r = s[0]
r.sendall(b"GET /.taphouse/connections.json HTTP/1.0\\r\\n\\r\\n")
while b := r.recv(65536):
    sys.stdout.buffer.write(b)
"""
    answer = namespace.run("/usr/bin/python3", "-c", program).stdout
    rows = json.loads(answer.split("\n\n", 1)[1])["connections"]
    assert len({row["remote_port"] for row in rows}) == len(rows) == 300
    assert {row["state"] for row in rows} == {"ESTABLISHED"}
    assert len({row["id"] for row in rows}) == len(rows)


def test_what_is_in_time_wait_says_how_long(configure, namespace):
    """The server closed these first, so it waits: twice the MSL of 30 s."""
    configure()
    curl = ("-o", "/dev/null", "-H", "Connection: close", "-w", "%{local_port}")
    ports = [namespace.curl(*curl, f"{URL}/hello.txt").stdout for _ in range(3)]
    document = fetch(namespace, "connections.json")
    waiting = document["time_wait"]
    assert [str(row["remote_port"]) for row in waiting] == ports[::-1]
    assert all(row["remote"] == "10.77.0.1" and row["local"] == ADDRESS and row["local_port"] == 80 for row in waiting)
    assert all(30_000_000 < row["expires_in_us"] <= 60_000_000 for row in waiting)
    assert document["tcp_now"]["time_wait"] == len(waiting)
