"""What must not work, and how it does not: frames, requests, configurations, command lines."""

import re
import subprocess

import pytest
from conftest import ADDRESS, TAPHOUSE, raw

URL = f"http://{ADDRESS}"


def status(namespace, request):
    answer = raw(namespace, request).stdout
    match = re.match(rb"HTTP/1\.1 (\d+) ", answer)
    return int(match.group(1)) if match else None


@pytest.mark.parametrize("request_, expected", [
    (b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", (400, 404)),
    (b"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", (400, 404)),
    (b"GET /..%2fsecret.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", (400, 404)),
    (b"GET /escape HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", (403, 404)),
    (b"GET /hello.txt%00.html HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", (400,)),
    (b"GET /%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", (400,)),
    (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", (400,)),
    (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n", (400,)),
    (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", (400,)),
    (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", (400,)),
    (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", (400,)),
    (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", (505,)),
    (b"DELETE /hello.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", (405, 501)),
    (b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", (414,)),
    (b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 60000 + b"\r\n\r\n", (431,)),
    (b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", (404,)),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", (400, None)),
], ids=lambda value: value[:40].decode("latin-1") if isinstance(value, bytes) else "")
def test_bad_requests(serve, namespace, request_, expected):
    serve()
    assert status(namespace, request_) in expected
    assert namespace.curl(f"{URL}/hello.txt").stdout == "hello\n"


def test_random_frames_do_no_harm(serve, namespace):
    serve()
    program = (
        "import os, random, socket\n"
        "s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)\n"
        "s.bind(('taphouse0', 0))\n"
        "r = random.Random(7)\n"
        "for i in range(20000):\n"
        "    n = r.randrange(1, 1500)\n"
        "    f = bytearray(r.randbytes(n))\n"
        "    if i % 2 and n > 60:\n"
        "        f[0:6] = b'\\xff' * 6\n"
        "        f[12:14] = r.choice([b'\\x08\\x00', b'\\x08\\x06'])\n"
        "        if i % 4 == 1: f[14] = 0x45; f[30:34] = bytes([10, 77, 0, 2]); f[23] = 6\n"
        "    try:\n"
        "        s.send(f)\n"
        "    except OSError:\n"
        "        pass\n")
    namespace.run("/usr/bin/python3", "-c", program)
    assert namespace.curl(f"{URL}/hello.txt").stdout == "hello\n"


def test_bad_checksums_and_options_are_dropped(serve, namespace):
    serve()
    program = (
        "from scapy.all import Ether, IP, TCP, sendp, srp1, conf\n"
        "conf.verb = 0\n"
        f"mac = [l.split()[4] for l in __import__('subprocess').run(['ip', 'neigh', 'show', '{ADDRESS}'],\n"
        "        capture_output=True, text=True).stdout.splitlines()][0]\n"
        f"def probe(tcp): return srp1(Ether(dst=mac) / IP(src='10.77.0.1', dst='{ADDRESS}') / tcp, iface='taphouse0', timeout=1)\n"
        "good = probe(TCP(sport=1111, dport=80, flags='S', seq=1))\n"
        "print('good', good is not None and str(good[TCP].flags))\n"
        "print('checksum', probe(TCP(sport=1112, dport=80, flags='S', seq=1, chksum=0x1234)))\n"
        "print('length0', probe(TCP(sport=1113, dport=80, flags='S', seq=1, options=[]) / b'') and 'answered')\n"
        "bad = bytes(TCP(sport=1114, dport=80, flags='S', seq=1, dataofs=6)) + bytes([99, 0, 1, 1])\n"
        "from scapy.all import Raw\n"
        f"p = Ether(dst=mac) / IP(src='10.77.0.1', dst='{ADDRESS}', proto=6) / Raw(bad)\n"
        "import struct\n"
        "from scapy.utils import checksum\n"
        "seg = bytearray(bad); seg[16:18] = b'\\0\\0'\n"
        f"pseudo = bytes([10,77,0,1,10,77,0,2,0,6]) + struct.pack('!H', len(seg))\n"
        "seg[16:18] = struct.pack('!H', checksum(pseudo + bytes(seg)))\n"
        f"print('option', srp1(Ether(dst=mac) / IP(src='10.77.0.1', dst='{ADDRESS}', proto=6) / Raw(bytes(seg)), iface='taphouse0', timeout=1))\n")
    namespace.curl("-o", "/dev/null", f"{URL}/hello.txt")  # resolves the address
    lines = dict(line.split(" ", 1) for line in namespace.run("/usr/bin/python3", "-c", program).stdout.splitlines())
    assert lines["good"] == "SA"
    assert lines["length0"] == "answered"
    assert lines["checksum"] == "None"
    assert lines["option"] == "None"


def test_configuration_errors_name_file_and_line(tmp_path, site):
    config = tmp_path / "bad.conf"
    for text, line, word in [
        ('tcp {\n  syn_backlogg = 5\n}\n', 2, "syn_backlogg"),
        ('http {\n  keepalive_timeout = "soon"\n}\n', 2, "soon"),
        ('site "x" {\n  listen = {"80"}\n  root = "/no/such/directory"\n}\n', 3, "/no/such/directory"),
        ('tcp {\n', None, ""),
    ]:
        config.write_text(text)
        answer = subprocess.run([TAPHOUSE, "check", config], capture_output=True, text=True, timeout=20)
        assert answer.returncode == 1
        message = answer.stderr
        assert str(config) in message and word in message
        if line is not None:
            assert f"{config}:{line}:" in message


def test_shipped_configuration_is_right(tmp_path):
    from conftest import ROOT
    answer = subprocess.run([TAPHOUSE, "check", ROOT / "conf" / "taphouse.conf"], capture_output=True, text=True, timeout=20)
    assert (answer.returncode, answer.stderr) == (0, "")


@pytest.mark.parametrize("args", [["serve", "--nonsense"], ["frobnicate"], ["serve", "--http", "99999"], ["check"], []])
def test_usage_errors(args):
    answer = subprocess.run([TAPHOUSE, *args], capture_output=True, text=True, timeout=20)
    assert answer.returncode == 2
    assert answer.stderr


def test_start_up_errors_are_one_line(namespace, tmp_path, site):
    for args in (["serve", tmp_path / "missing"], ["serve", site, "--device", "packet:nosuch"],
                 ["serve", site, "--impair", "loss=200%"], ["serve", site, "--address", "10.77.0.300/24"]):
        answer = namespace.run(TAPHOUSE, *args, check=False)
        assert answer.returncode in (1, 2), args
        assert len(answer.stderr.strip().splitlines()) == 1, answer.stderr
