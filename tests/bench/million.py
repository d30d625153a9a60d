"""A million idle connections on one worker: what memory they take, and whether a request on any of them is answered as
fast as with ten. And what idle connections take beside those of nginx and the kernel's TCP.

Two servers run side by side, one with ten connections and one with a million, and are asked in turns, round by
round. crowd.c has all clients, which have many addresses, in one process without a kernel's TCP:

    namespace of a server               namespace of its clients
      taphouse serve, packet:eth0  veth   crowd: 198.18.0.1 to 198.18.0.31, behind 10.77.0.1
      10.77.0.2
"""

import dataclasses
import json
import statistics
import subprocess
import time

import lab
import report
import servers

FEW, MANY = 10, 1_000_000
IDLE = 10_000
STEPS = 10         # of opening so many
REQUESTS = 20_000  # a round
SETTLE = 2.0       # seconds until connections have come to rest
ADDRESS, GATEWAY, MAC = "10.77.0.2", "10.77.0.1", "02:00:00:00:00:02"  # as in tests/guard/guard.h
MIB = 1 << 20

TAPHOUSE_CONFIG = """\
device "packet:eth0" {{ address = {{"{address}/24"}} gateway = {{"{gateway}"}} mac = "{mac}" }}
tcp {{ max_connections = {most} }}
http {{
	max_connections = {most}
	max_connections_per_address = {most}
	keepalive_requests = 1000000000
	keepalive_timeout = "1h"
	keepalive_time = "2h"
}}
log {{ access = "off" }}
site "bench" {{ listen = {{"80"}} root = "{site}" }}
"""


@dataclasses.dataclass(frozen=True)
class Row:
    key: str
    title: str


MILLION = Row("million", "1 KiB on one of a million connections")
IDLE_ROW = Row("idle", "memory of idle connections")
ROWS = [MILLION, IDLE_ROW]


def resident(pid):
    """Bytes of memory that a process has."""
    with open(f"/proc/{pid}/status") as status:
        return 1024 * next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


def kernel_memory():
    """Bytes of the kernel's own objects, of all the machine."""
    with open("/proc/meminfo") as meminfo:
        return 1024 * next(int(line.split()[1]) for line in meminfo if line.startswith("Slab:"))


class Side:
    """A server in a namespace, and the crowd that it serves in another."""

    def __init__(self, stack, place, kind, connections):
        self.place, self.connections = place, connections
        self.namespace = lab.Namespace(stack, f"{kind.name}-{connections}")
        self.outside = lab.Namespace(stack, f"crowd-{kind.name}-{connections}")
        for namespace in (self.namespace, self.outside):
            namespace.set("net.ipv6.conf.all.disable_ipv6", 1)
        lab.pair(self.namespace, "eth0", self.outside, "eth0")
        self.server = kind(stack, place, self.namespace, connections)
        self.crowd = lab.start(place.client_core, self.outside.command(place.crowd, "eth0", connections),
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        stack.callback(self.close)

    def memory(self):
        return sum(map(resident, self.server.pids()))

    def close(self):
        lab.end(self.crowd)
        self.crowd.stdin.close()
        self.crowd.stdout.close()

    def tell(self, what, number):
        """The crowd, and what it answers."""
        self.crowd.stdin.write(f"{what} {number}\n")
        self.crowd.stdin.flush()
        line = self.crowd.stdout.readline()
        if not line:
            raise lab.Problem(f"the crowd of {self.server.name} is gone:\n{self.server.last_words()}")
        return json.loads(line)


class Taphouse(servers.Server):
    name = "taphouse"

    def __init__(self, stack, place, namespace, connections):
        self.most = 2 * connections + 1000
        super().__init__(stack, place, namespace, ADDRESS)

    def command(self, place):
        config = self.write("taphouse.conf", TAPHOUSE_CONFIG.format(address=ADDRESS, gateway=GATEWAY, mac=MAC,
                                                                    most=self.most, site=place.site))
        return [place.taphouse, "serve", "--config", config]

    def answers(self, client):
        """To its crowd only, which asks until it does."""
        return True


class Nginx(servers.Nginx):
    """On the kernel's TCP."""

    def __init__(self, stack, place, namespace, connections):
        self.most = 2 * connections + 1000
        namespace.run("ip", "link", "set", "eth0", "address", MAC)
        namespace.run("ip", "address", "add", f"{ADDRESS}/24", "dev", "eth0")
        namespace.run("ip", "route", "add", "default", "via", GATEWAY)
        super().__init__(stack, place, namespace, ADDRESS)

    def config(self, name, text, place, **more):
        text = text.replace("worker_connections 4096;", f"worker_connections {self.most};")
        return super().config(name, f"worker_rlimit_nofile {self.most};\n{text}", place, **more)

    def answers(self, client):
        return bool(self.pids())


# ---- the rows ----

@dataclasses.dataclass
class Opened:
    """What connections took, in bytes for each."""
    name: str
    connections: int
    seconds: float
    process: int   # bytes that the server has with them
    own: float     # bytes a connection in the server's processes
    kernel: float  # and in the kernel


def open_side(side, step):
    """In steps, with a rest after each. What a server has from the first step on, its buffers among it, is not
    counted."""
    seconds = side.tell("open", step)["seconds"]
    time.sleep(SETTLE)
    before, kernel_before = side.memory(), kernel_memory()
    for number in range(2 * step, side.connections + 1, step):
        seconds += side.tell("open", number)["seconds"]
        time.sleep(SETTLE / 2)
    process, more = side.memory(), max(1, side.connections - step)
    return Opened(side.server.name, side.connections, seconds, process, (process - before) / more,
                  (kernel_memory() - kernel_before) / more)


def measure_million(stack, place, plan, say):
    """What many took, and the rounds of both sides."""
    sides = [Side(stack, place, Taphouse, connections) for connections in (FEW, MANY)]
    opened = []
    for side in sides:
        say(f"  opening {side.connections:,} connections")
        opened.append(open_side(side, max(FEW, side.connections // STEPS)))
    samples = [[], []]
    for number in range(2 * plan.rounds + 1):
        for side, taken in zip(sides, samples):
            sample = side.tell("ask", REQUESTS)
            if number == 0:
                continue
            taken.append(sample)
            say(f"  {number}/{2 * plan.rounds}  {side.connections:>9,} connections  p50 {sample['p50_us']:.1f} us  "
                f"p99 {sample['p99_us']:.1f} us")
    return opened, samples


def measure_idle(stack, place, _plan, say):
    """Of each server."""
    opened = []
    for kind in (Taphouse, Nginx):
        side = Side(stack, place, kind, IDLE)
        opened.append(open_side(side, IDLE // STEPS))
        say(f"  {opened[-1].name:<10} {opened[-1].own:,.0f} bytes a connection, and {opened[-1].kernel:,.0f} in the kernel")
    return opened, []


def measure(row, stack, place, plan, say):
    return (measure_million if row is MILLION else measure_idle)(stack, place, plan, say)


def median(samples, key):
    return statistics.median(sample[key] for sample in samples)


def million_lines(row, opened, samples):
    lines = [[row.title, "p50 us", "ratio", "p99 us", "process MiB", "bytes each", "opened/s"]]
    for one, taken in zip(opened, samples):
        lines.append([f"  {one.connections:,} connections", report.number(median(taken, "p50_us")),
                      report.ratio(median(taken, "p50_us"), median(samples[0], "p50_us")),
                      report.number(median(taken, "p99_us")), f"{one.process / MIB:,.0f}",
                      f"{one.own:,.0f}" if one.connections > FEW else "-",
                      report.number(one.connections / one.seconds) if one.connections > FEW else "-"])
    return report.lay_out(lines, left={0})


def idle_lines(row, opened):
    theirs = opened[-1].own + opened[-1].kernel
    lines = [[f"{row.title}, {IDLE:,} of them", "bytes each", "the server's", "the kernel's", "ratio"]]
    for one in opened:
        lines.append([f"  {one.name}", f"{one.own + one.kernel:,.0f}", f"{one.own:,.0f}", f"{one.kernel:,.0f}",
                      f"{(one.own + one.kernel) / theirs:.3f}"])
    return report.lay_out(lines, left={0})


def tables(results):
    lines = []
    for row, (opened, samples) in results:
        lines += (million_lines(row, opened, samples) if row is MILLION else idle_lines(row, opened)) + [""]
    return lines


def as_json(results):
    return [{"key": row.key, "title": row.title, "opened": [dataclasses.asdict(one) for one in opened],
             "rounds": samples} for row, (opened, samples) in results]
