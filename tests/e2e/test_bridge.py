"""The wire of the bench, tests/bench/bridge.c: a file crosses it and its losses, from our TCP to the kernel's."""

import json
import os
import signal
import subprocess

import pytest
from conftest import TAPHOUSE, Namespace, Server, sha256

BRIDGE = os.environ.get("BRIDGE", os.path.join(os.path.dirname(TAPHOUSE), "obj/tests/bench/bridge"))
CLIENT, ADDRESS = "10.79.0.1", "10.79.0.2"


def join(a, name_a, b, name_b):
    subprocess.run(["ip", "link", "add", name_a, "netns", a.name, "type", "veth", "peer", "name", name_b,
                    "netns", b.name], check=True)
    for namespace, name in ((a, name_a), (b, name_b)):
        namespace.run("ip", "link", "set", name, "up")


@pytest.fixture
def ends():
    """Namespaces of client and server, with one between them that the frames have to cross."""
    client, wire, server = namespaces = [Namespace() for _ in range(3)]
    join(client, "eth0", wire, "left")
    join(wire, "right", server, "eth0")
    client.run("ip", "address", "add", f"{CLIENT}/24", "dev", "eth0")
    yield namespaces
    for namespace in namespaces:
        namespace.remove()


class Bridge:
    """bridge.c between the ends. counters, at its end, is what it says of the frames."""

    def __init__(self, wire, spec):
        self.process = wire.start(BRIDGE, "left", "right", spec, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        output, _ = self.process.communicate(timeout=10)
        assert self.process.returncode == 0
        self.counters = json.loads(output)


def test_a_file_arrives_intact_over_a_lossy_wire(ends, site, tmp_path):
    client, wire, far = ends
    server = Server(far, site, "--device", "packet:eth0", "--address", f"{ADDRESS}/24", tmp_path=tmp_path)
    try:
        with Bridge(wire, "delay=5ms,rate=50mbit,queue=200,tx:loss=2%,seed=5") as bridge:
            client.curl("-o", tmp_path / "got", f"http://{ADDRESS}/1m.bin")
            assert server.stop() == 0  # the last FIN needs the wire too
    finally:
        server.kill()
    assert sha256(tmp_path / "got") == sha256(site / "1m.bin")
    there, back = bridge.counters["rx"], bridge.counters["tx"]
    assert back["frames"] > (1 << 20) / 1460  # single frames, not the super-segments that were sent
    assert back["lost"] > 0 and there["lost"] == 0
    assert back["failed"] == there["failed"] == 0


def test_the_delay_is_that_of_both_ways(ends):
    client, wire, far = ends
    far.run("ip", "address", "add", f"{ADDRESS}/24", "dev", "eth0")
    with Bridge(wire, "rx:delay=20ms,tx:delay=10ms"):
        answer = client.run("ping", "-c", "5", "-i", "0.1", ADDRESS).stdout
    least = float(answer.split("min/avg/max")[1].split("=")[1].split("/")[0])
    assert 30 <= least < 35, answer


def test_it_says_what_is_wrong(ends):
    _, wire, _ = ends
    for arguments, complaint in ((["left", "nothing"], "there is no interface nothing"),
                                 (["left", "right", "loss=x"], "loss=x")):
        answer = wire.run(BRIDGE, *arguments, check=False)
        assert answer.returncode == 1 and complaint in answer.stderr
