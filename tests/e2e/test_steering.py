"""Frames come to the worker that owns them: by the kernel's steering, or, where that is refused, by handing over."""

import os

import pytest
from conftest import ADDRESS
from test_workers import Crew, end

CONNECTIONS = 200


@pytest.fixture
def crew(namespace, site, serve, tmp_path):
    return Crew(namespace, site, serve, tmp_path)


def handed_over(crew):
    rows = crew.status()["workers"]
    assert all(row["handing_over_dropped"] == 0 for row in rows), rows
    return sum(row["handed_over"] for row in rows)


def serve_many(crew):
    client = crew.connect(CONNECTIONS)
    status = crew.status()
    assert status["tcp"]["OutRsts"] == 0 and status["tcp"]["EstabResets"] == 0, status["tcp"]
    assert all(row["connections"] > CONNECTIONS / 10 for row in status["workers"]), status["workers"]
    end(client)
    return handed_over(crew)


@pytest.mark.parametrize("steering", ["flow", "address"])
def test_the_kernel_steers(crew, steering):
    """What remains is ARP, which all workers see."""
    crew.start(3, more=f'device "tap:t0" {{ steering = "{steering}" }}')
    end(crew.connect(CONNECTIONS))
    assert handed_over(crew) <= 20
    assert crew.server.stop() == 0


def test_without_the_kernels_help_frames_are_handed_over(crew):
    """Who may not load programs says so, and serves all the same."""
    start, capabilities = crew.namespace.start, "+net_admin,+net_raw"
    if os.stat("/dev/net/tun").st_mode & 0o006 != 0o006:  # a container may have no udev, which makes it so
        capabilities += ",+dac_override"
    crew.namespace.start = lambda *args, **options: start(
        "setpriv", "--bounding-set=-all," + capabilities, "--inh-caps=-all", *args, **options)
    crew.start(3)
    crew.namespace.start = start
    assert "those that come to another worker are handed over" in crew.server.errors.read_text()
    assert serve_many(crew) > CONNECTIONS / 3
    assert crew.server.stop() == 0


def test_fragments_are_put_together_by_one_worker_for_another(crew):
    """A ping of six fragments: they come to the owner of the address, and the whole is the first worker's to answer."""
    crew.start(4)
    end(crew.connect(CONNECTIONS))  # now each worker knows who asks for the counters, without ARP
    passed_on = 0
    for source in range(3, 9):  # hardly all of them the first worker's
        crew.namespace.run("ip", "addr", "add", f"10.77.0.{source}/24", "dev", "taphouse0")
        ping = ["ping", "-n", "-I", f"10.77.0.{source}", "-i", 0.01, "-W", 5, ADDRESS]
        crew.namespace.run(*ping, "-c", 1)  # so that the answer need not wait for ARP, piece by piece
        before = handed_over(crew)
        answer = crew.namespace.run(*ping, "-c", 2, "-s", 8000).stdout
        passed_on += handed_over(crew) - before
        assert "2 packets transmitted, 2 received" in answer and "DUP" not in answer, answer
    assert 0 < passed_on <= 12  # packets, not fragments
    assert crew.server.stop() == 0
