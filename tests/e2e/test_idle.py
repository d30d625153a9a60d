"""A server that has nothing to do takes no processor time and is hardly ever woken up: on each device, also while
connections are open on which nothing happens."""

import pathlib
import time

import pytest

from conftest import ADDRESS, built_with

SECONDS = 3
WAKE_UPS_A_SECOND = 5
CONNECTIONS = 50

# Fetches something on each, says so, and lets them rest.
CLIENT = f"""
import socket, sys
open = [socket.create_connection(("{ADDRESS}", 80), 10) for _ in range({CONNECTIONS})]
for s in open:
    s.sendall(b"GET /hello.txt HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")
    got = b""
    while not got.endswith(b"hello\\n"):
        got += s.recv(4096)
print("open", flush=True)
sys.stdin.read()
"""


def connect(namespace):
    return namespace.start("/usr/bin/python3", "-c", CLIENT, stdin=-1, stdout=-1, text=True)


def serve_on(kind, namespace, serve):
    if kind == "tap":
        return serve()
    if kind == "workers":
        return serve("--workers", "2")
    if kind == "xdp" and not built_with("xdp"):
        pytest.skip("built without AF_XDP")
    namespace.run("ip", "link", "add", "near", "type", "veth", "peer", "name", "far")
    namespace.run("ip", "addr", "add", "10.77.0.1/24", "dev", "near")
    for name in ("near", "far"):
        namespace.run("ip", "link", "set", name, "up")
    return serve("--device", f"{kind}:far", "--address", f"{ADDRESS}/24")


def threads(server):
    return list(pathlib.Path(f"/proc/{server.process.pid}/task").iterdir())


def ticks(server):
    """Processor time, in hundredths of a second."""
    fields = pathlib.Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def wake_ups(server):
    """How often its threads went to sleep of their own accord."""
    return sum(int(line.split()[1]) for thread in threads(server)
               for line in (thread / "status").read_text().splitlines() if line.startswith("voluntary_ctxt"))


@pytest.mark.parametrize("kind", ["tap", "packet", "xdp", "workers"])
def test_idle_it_sleeps(kind, namespace, serve):
    server = serve_on(kind, namespace, serve)
    client = connect(namespace)
    assert client.stdout.readline() == "open\n"
    time.sleep(0.5)  # the last acknowledgements
    before = ticks(server), wake_ups(server)
    time.sleep(SECONDS)
    assert ticks(server) - before[0] <= SECONDS  # one in a hundred
    assert wake_ups(server) - before[1] <= SECONDS * WAKE_UPS_A_SECOND * max(1, len(threads(server)) - 1)
    client.communicate(timeout=10)
