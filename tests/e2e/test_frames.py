"""Raw frames of one's own connection: they are those of the capture, bit by bit, and their checksums are right."""

import json
import subprocess

import pytest
from conftest import ADDRESS

FETCH = """
import http.client, json, sys
connection = http.client.HTTPConnection(%r, int(sys.argv[1]), timeout=10)
def get(path):
    connection.request("GET", path, headers={"X-Marker": "yes"})
    answer = connection.getresponse()
    return answer.status, answer.read()
get("/.taphouse/frame")
get("/hello.txt")
status, first = get("/.taphouse/frame")
print(json.dumps([json.loads(first), get("/.taphouse/frame?connection=4711")[0], get("/.taphouse/frame?x=1")[0]]))
""" % ADDRESS


@pytest.fixture
def frames(serve, namespace, site, tmp_path):
    """What the server tells, refusals, and the frames of the capture in hexadecimal."""
    config = tmp_path / "frames.conf"
    config.write_text(f'site "e2e" {{\n\troot = "{site}"\n\tlocation "/.taphouse/" {{ status = true }}\n}}\n')
    capture = tmp_path / "frames.pcapng"
    server = serve("--config", config, "--pcap", capture)
    told = json.loads(namespace.run("/usr/bin/python3", "-c", FETCH, "80").stdout)
    server.stop()
    dump = subprocess.run(["tshark", "-r", capture, "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE",
                           "-T", "json", "-x"], capture_output=True, text=True, check=True).stdout
    return told, json.loads(dump)


def test_frames_are_those_of_the_capture(frames):
    (told, *refused), captured = frames
    assert refused == [404, 400]
    by_bytes = {frame["_source"]["layers"]["frame_raw"][0]: frame["_source"]["layers"] for frame in captured}
    assert len(told["frames"]) >= 4 and told["seen"] == len(told["frames"])
    for frame in told["frames"]:
        layers = by_bytes[frame["hex"]]
        assert frame["len"] == len(frame["hex"]) // 2
        assert layers["tcp"]["tcp.checksum.status"] == layers["ip"]["ip.checksum.status"] == "1"
        assert layers["ip"]["ip.src"] == (ADDRESS if frame["from"] == "server" else "10.77.0.1")
        assert frame["drop"] is None
    texts = [bytes.fromhex(frame["hex"]) for frame in told["frames"]]
    assert any(b"GET /hello.txt HTTP/1.1\r\n" in text and b"X-Marker: yes" in text for text in texts)
    assert any(b"\r\n\r\nhello\n" in text for text in texts)
