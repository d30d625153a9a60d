"""What it costs that what happens can be seen: keep-alive requests to three servers side by side. One is built
without the observer hook (BLIND), one records while nobody watches, one has a watcher who reads.

The watcher takes little of the client's core. Rounds of the three are alternated, and compared one by one.
"""

import os
import statistics

import lab
import report
import servers
import work

CONFIG = """\
device "{device}" {{ address = {{"{address}/24"}} host_address = "{host}/24" }}
http {{ keepalive_requests = 1000000000 }}
log {{ access = "off" }}
site "bench" {{
	listen = {{"80"}}
	root = "{site}"
	location "/.taphouse/" {{ status = true websocket_events_all = true }}
}}
"""

ROW = work.Row("observation", "1 KiB keep-alive, 64 connections, observed", "requests/s", work.rate,
               work.wrk("1k.bin", 64))
ROWS = [ROW]
ROUNDS = 3  # of these for one of the plan's: small differences need many


class Observed(servers.Taphouse):
    """On a TAP, with the live page's location."""

    def __init__(self, stack, place, name, program, number):
        self.label, self.program = name, program
        device, self.host = f"tap:observed{number}", f"10.{number}.0.1"
        super().__init__(stack, place, place.client, device, f"10.{number}.0.2")
        self.name = name
        lab.set_congestion_control(place.client, f"observed{number}", self.host)

    def command(self, place):
        config = self.write("taphouse.conf", CONFIG.format(device=self.device, address=self.address, host=self.host,
                                                           site=place.site))
        return [self.program, "serve", "--config", config]


def start_watcher(stack, place, server):
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "watch.py")
    log = os.path.join(server.directory, "watched")
    with open(log, "wb") as output:
        watcher = lab.start(place.client_core, place.client.command("/usr/bin/python3", script, server.address),
                            stdout=output, stderr=output)
    stack.callback(lab.end, watcher)
    lab.wait_for(lambda: os.path.getsize(log) > 0, 10, watcher, lambda: "the watcher of tests/bench/watch.py ended")


def start_servers(stack, place, blind):
    """The one that the others are compared with is the first."""
    numbers = iter((87, 88, 89))
    started = [Observed(stack, place, name, program, next(numbers))
               for name, program in (("no hook", blind), ("nobody watches", place.taphouse),
                                     ("one watches", place.taphouse))]
    start_watcher(stack, place, started[-1])
    return started


def lines(row, samples):
    """A line a server, with the median of the rounds' ratios to the first."""
    first = next(iter(samples.values()))
    table = [[row.title, row.unit, "ratio", "core us/request", "ratio"]]
    for name, taken in samples.items():
        cells = [f"  {name}"]
        for what in (row.measure, lambda sample: report.cost_us(row, sample, "core_s")):
            ratios = [what(sample) / what(other) for sample, other in zip(taken, first)]
            cells += [report.number(statistics.median(map(what, taken))), f"{statistics.median(ratios):.3f}"]
        table.append(cells)
    return report.lay_out(table, left={0})
