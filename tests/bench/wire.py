"""The rows over an impaired wire: the goodput of ours beside the kernel's, and how two flows share a bottleneck.

A wire is bridge.c between the client and two servers, ours and nginx on the kernel's TCP, which stand on a switch:

    client ── veth ── bridge ── veth ── switch ── veth ── taphouse
                                              └── veth ── nginx

There are two such wires, so that both servers are measured in the same seconds and still have a wire to themselves;
they change places every round. Frames are lost on their way to the client.
"""

import contextlib
import dataclasses
import itertools
import json
import subprocess
import time

import lab
import servers

FILE = "1g.bin"          # no measurement lasts until its end
FRAME_BITS = 1514 * 8
CURL_TIME_IS_UP = 28


@dataclasses.dataclass(frozen=True)
class Path:
    """Both ways have the rate, half of the round trip, and a queue of a bandwidth-delay product."""
    rate_mbit: int
    rtt_ms: int
    loss: str = "0%"

    def spec(self, seed):
        product = self.rate_mbit * 1000 * self.rtt_ms / FRAME_BITS
        frames = round(product * 1.5)  # bridge.c counts those on the way, half a product, as queued too
        return (f"rate={self.rate_mbit}mbit,delay={self.rtt_ms * 500}us,queue={frames},"
                f"tx:loss={self.loss},seed={seed}")

    def __str__(self):
        return f"{self.rate_mbit} Mbit/s, {self.rtt_ms} ms round trip"


class Wire:
    """The devices of a wire and the servers behind it. Frames pass while a bridge runs."""

    def __init__(self, stack, place, number):
        self.place, self.network = place, f"10.80.{number}"
        self.namespace = lab.Namespace(stack, f"wire{number}")
        self.namespace.set("net.ipv6.conf.all.disable_ipv6", 1)
        self.namespace.run("ip", "link", "add", "switch", "type", "bridge")
        self.namespace.run("ip", "link", "set", "switch", "up")
        lab.pair(place.client, f"wire{number}", self.namespace, "client")
        lab.give_address(place.client, f"wire{number}", f"{self.network}.1")
        lab.pair(self.namespace, "servers", self.namespace, "uplink")
        self.namespace.run("ip", "link", "set", "uplink", "master", "switch")
        with self.bridge("delay=0ms"):
            self.servers = [self.add_taphouse(stack), self.add_nginx(stack)]

    def add_port(self, stack, role):
        """A namespace whose eth0 is on the switch."""
        namespace = lab.Namespace(stack, f"{self.namespace.role}-{role}")
        namespace.set("net.ipv6.conf.all.disable_ipv6", 1)
        lab.pair(namespace, "eth0", self.namespace, role)
        self.namespace.run("ip", "link", "set", role, "master", "switch")
        return namespace

    def add_taphouse(self, stack):
        namespace = self.add_port(stack, "taphouse")
        return servers.Taphouse(stack, self.place, namespace, "packet:eth0", f"{self.network}.2")

    def add_nginx(self, stack):
        namespace = self.add_port(stack, "nginx")
        lab.give_address(namespace, "eth0", f"{self.network}.3")
        namespace.set("net.ipv4.tcp_no_metrics_save", 1)  # or a round would begin with what the last one learnt
        return servers.Nginx(stack, self.place, namespace, f"{self.network}.3")

    def bridge(self, spec):
        return Bridge(self.place, self.namespace, spec)


class Bridge:
    """A running bridge.c. At its end, counters says what it did to the frames."""

    def __init__(self, place, namespace, spec):
        self.process = lab.start(place.client_core, namespace.command(place.bridge, "client", "servers", spec),
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if self.process.stdout.readline() != "ready\n":
            raise lab.Problem(f"the bridge does not start: {self.process.stdout.read()}")
        self.counters = None

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        lab.end(self.process)
        if kind is None:
            self.counters = json.loads(self.process.stdout.read())
        self.process.stdout.close()


class Flow:
    """A download that lasts some seconds."""

    def __init__(self, place, server, seconds):
        self.server, self.seconds, self.marked = server, seconds, 0
        self.process = lab.start(
            place.client_core,
            place.client.command("curl", "-s", "-o", "/dev/null", "-m", seconds, "-w", "%{size_download}",
                                 server.url(FILE)),
            stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        lab.end(self.process)
        self.process.stdout.close()

    def mark(self):
        """What has come by now will not count. curl has written it to /dev/null."""
        with open(f"/proc/{self.process.pid}/io") as io:
            self.marked = next(int(line.split()[1]) for line in io if line.startswith("wchar"))

    def received(self):
        """Bytes since the mark, at the end."""
        size = self.process.stdout.read()
        if self.process.wait(self.seconds + 30) != CURL_TIME_IS_UP:
            raise lab.Problem(f"curl from {self.server.name}: exit status {self.process.returncode}")
        return int(size) - self.marked


@dataclasses.dataclass
class Sample:
    """What one round gave."""
    seed: int
    mbit: list      # of each flow
    counters: dict  # the bridge's


def run_at_once(path, seed, seconds, measured, mark_at=0):
    """measured: a list of (wire, servers). A flow from each of the servers, on all wires in the same seconds. What
    comes before mark_at does not count."""
    with contextlib.ExitStack() as stack:
        bridges = [stack.enter_context(wire.bridge(path.spec(seed))) for wire, _ in measured]
        flows = [[stack.enter_context(Flow(wire.place, server, seconds)) for server in its_servers]
                 for wire, its_servers in measured]
        if mark_at:
            time.sleep(mark_at)
            for flow in itertools.chain(*flows):
                flow.mark()
        mbit = [[flow.received() * 8 / (seconds - mark_at) / 1e6 for flow in its_flows] for its_flows in flows]
        time.sleep(path.rtt_ms * 4 / 1000)  # the servers hear that it is over
    return [Sample(seed, rates, bridge.counters) for rates, bridge in zip(mbit, bridges)]


# ---- the rows ----

def goodput_round(row, wires, number, seconds):
    """Ours and the kernel's, each on a wire of its own."""
    ours, theirs = wires if number % 2 == 0 else reversed(wires)
    return run_at_once(row.path, number + 1, seconds, [(ours, ours.servers[:1]), (theirs, theirs.servers[1:])])


def share_round(row, wires, number, seconds):
    """Two of ours on one wire, ours and the kernel's on the other."""
    alike, mixed = wires if number % 2 == 0 else reversed(wires)
    return run_at_once(row.path, number + 1, seconds,
                       [(alike, alike.servers[:1] * 2), (mixed, mixed.servers)], mark_at=seconds / 2)


def jain(rates):
    """Jain's index of fairness: 1 if all are alike, 1/n if one has it all."""
    return sum(rates) ** 2 / (len(rates) * sum(rate ** 2 for rate in rates))


@dataclasses.dataclass
class Row:
    """measure(row, wires, number of the round, seconds) gives a sample for each of the row's columns."""
    key: str
    title: str
    path: Path
    columns: tuple
    measure: object
    share: float = 1.0  # of the time of a round


GOODPUT = [Row(f"wire-{loss}", f"{loss} % loss", Path(100, 50, f"{loss}%"), ("taphouse", "kernel"), goodput_round)
           for loss in ("0", "0.1", "1", "3")]
SHARING = Row("wire-share", "two flows", Path(50, 20), ("taphouse and taphouse", "taphouse and kernel"), share_round,
              share=3.0)
ROWS = [*GOODPUT, SHARING]


def measure_row(row, wires, rounds, seconds, say):
    """The samples of each column."""
    samples = {column: [] for column in row.columns}
    for number in range(rounds):
        taken = row.measure(row, wires, number, seconds * row.share)
        for column, sample in zip(row.columns, taken):
            samples[column].append(sample)
            say(f"  {row.key:<10} {number + 1}/{rounds}  {column:<22} "
                + " and ".join(f"{rate:.2f}" for rate in sample.mbit) + " Mbit/s")
    return samples
