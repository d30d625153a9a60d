"""The rows of the table: what the client asks for, and what it says of the answers."""

import dataclasses
import json
import os
import subprocess
import time

import lab

MIB = 1 << 20
FILES = {"1k.bin": 1024, "100k.bin": 100 * 1024, "10m.bin": 10_000_000, "1g.bin": 1 << 30}


def make_files(directory):
    """The files, by now in the page cache: whole blocks of random bytes, so no file system keeps holes."""
    os.makedirs(directory)
    block = os.urandom(MIB)
    for name, size in FILES.items():
        with open(os.path.join(directory, name), "wb") as file:
            for at in range(0, size, MIB):
                file.write(block[:min(MIB, size - at)])


@dataclasses.dataclass
class Sample:
    """One run: what the client got in how many seconds, and what it cost."""
    requests: int = 0
    bytes: int = 0
    seconds: float = 0.0
    errors: int = 0
    p50_us: float = 0.0
    p99_us: float = 0.0
    core_s: float = 0.0   # of the server's core for the server: its processes and ksoftirqd
    both_s: float = 0.0   # that, and the same of the client
    busy_s: float = 0.0   # the server's core was busy, whoever with
    other_s: float = 0.0  # both cores were busy with neither server nor client


@dataclasses.dataclass
class Row:
    """A workload. measure(sample) is the figure that is compared; cost counts the units core time is divided by."""
    key: str
    title: str
    unit: str
    measure: object
    client: object           # client(server, place, seconds) -> Sample
    cost_unit: str = "request"
    cost: object = lambda sample: sample.requests
    less_is_better: bool = False
    bare: bool = False       # reflector.c can answer


# ---- clients ----

def run_client(place, command, patience):
    process = lab.start(place.client_core, place.client.command(*command), stdout=subprocess.PIPE,
                        stderr=subprocess.STDOUT, text=True)
    try:
        return process.communicate(timeout=patience)[0], process.returncode
    except subprocess.TimeoutExpired:
        raise lab.Problem(f"no end of {' '.join(map(str, command))}") from None
    finally:
        lab.end(process)


def wrk(file, connections, *headers, scheme="http"):
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "wrk.lua")

    def client(server, place, seconds):
        command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "10s", "-s", script]
        for header in headers:
            command += ["-H", header]
        output, status = run_client(place, [*command, server.url(file, scheme)], seconds + 30)
        lines = [line for line in output.splitlines() if line.startswith("{")]
        if status != 0 or not lines:
            raise lab.Problem(f"wrk against {server.name}: {output.strip()}")
        return Sample(**json.loads(lines[-1]))
    return client


def websocket(connections, size):
    """Each connection sends a message when the one before has come back."""
    def client(server, place, seconds):
        command = [place.ws_load, server.address, 80, "/ws", connections, size, f"{seconds:.1f}"]
        output, status = run_client(place, command, seconds + 30)
        if status != 0:
            raise lab.Problem(f"ws_load against {server.name}: {output.strip()}")
        return Sample(**json.loads(output))
    return client


CURL_SAYS = r"%{http_code} %{size_download} %{time_total}\n"


def curl(file, repeat, *options, scheme="http"):
    """One connection at a time, the file `repeat` times over it, until the seconds are gone."""
    def client(server, place, seconds):
        url = server.url(file, scheme) + (f"?[1-{repeat}]" if repeat > 1 else "")
        sample = Sample()
        end = time.monotonic() + seconds
        while sample.requests == 0 or time.monotonic() < end:
            output, failed = run_client(
                place, ["curl", "-s", "-m", "60", "-o", "/dev/null", "-w", CURL_SAYS, *options, url], 90)
            for line in output.splitlines():
                status, size, took = line.split()
                sample.requests += 1
                sample.bytes += int(size)
                sample.seconds += float(took)
                sample.errors += status != "200" or int(size) != FILES[file]
            sample.errors += failed != 0
            if sample.errors:
                break
        return sample
    return client


PACED_CONNECTIONS, PACED_SHARE = 64, 0.7


def percentile(sorted_values, share):
    return sorted_values[min(len(sorted_values) - 1, int(len(sorted_values) * share))]


def paced(file):
    """All servers at the same rate, which is a share of what nginx reached at its best in this run."""
    def client(server, place, seconds):
        if place.best_rate is None:
            place.best_rate = rate(wrk(file, PACED_CONNECTIONS)(place.nginx, place, 2))
        a_connection = max(1, round(place.best_rate * PACED_SHARE / PACED_CONNECTIONS))
        log = os.path.join(place.directory, "h2load.log")
        count = round(a_connection * PACED_CONNECTIONS * seconds)
        output, status = run_client(
            place, ["h2load", "--h1", "-t1", f"-c{PACED_CONNECTIONS}", f"-n{count}", f"--rps={a_connection}",
                    f"--log-file={log}", server.url(file)], seconds * 5 + 30)
        if status != 0:
            raise lab.Problem(f"h2load against {server.name}: {output.strip()}")
        with open(log) as lines:
            rows = [tuple(map(int, line.split())) for line in lines]
        os.remove(log)
        times = sorted(took for _, _, took in rows)
        return Sample(requests=len(rows), bytes=len(rows) * FILES[file],
                      seconds=(max(start for start, _, _ in rows) - min(start for start, _, _ in rows)) / 1e6,
                      errors=sum(code != 200 for _, code, _ in rows),
                      p50_us=percentile(times, 0.5), p99_us=percentile(times, 0.99))
    return client


def gigabits(sample):
    return sample.bytes * 8 / sample.seconds / 1e9


def rate(sample):
    return sample.requests / sample.seconds


def mebibytes(sample):
    return sample.bytes / MIB


ROWS = [
    Row("bulk", "1 GiB, one connection", "Gbit/s", gigabits, curl("1g.bin", 1), "MiB", mebibytes, bare=True),
    Row("again", "10 MB again and again, one connection", "Gbit/s", gigabits, curl("10m.bin", 50), "MiB", mebibytes,
        bare=True),
    Row("keepalive", "1 KiB keep-alive, 64 connections", "requests/s", rate, wrk("1k.bin", 64), bare=True),
    Row("short", "1 KiB short connections, 64 at a time", "requests/s", rate,
        wrk("1k.bin", 64, "Connection: close"), bare=True),
    Row("hundred", "100 KiB, 16 connections", "requests/s", rate, wrk("100k.bin", 16), bare=True),
    Row("latency", "1 KiB, one at a time, p50", "us", lambda sample: sample.p50_us, wrk("1k.bin", 1),
        less_is_better=True, bare=True),
    Row("paced", f"1 KiB at {PACED_SHARE:.0%} of nginx's best rate, p99", "us", lambda sample: sample.p99_us,
        paced("1k.bin"), less_is_better=True, bare=True),
    Row("tls", "1 KiB keep-alive over TLS 1.3, 64 connections", "requests/s", rate, wrk("1k.bin", 64, scheme="https")),
    Row("tls-short", "1 KiB over TLS 1.3, a handshake for each, 16 at a time", "requests/s", rate,
        wrk("1k.bin", 16, "Connection: close", scheme="https")),
    Row("tls-bulk", "1 GiB over TLS 1.3, AES-128-GCM", "Gbit/s", gigabits,
        curl("1g.bin", 1, "-k", "--tlsv1.3", "--tls13-ciphers", "TLS_AES_128_GCM_SHA256", scheme="https"), "MiB",
        mebibytes),
]


WEBSOCKET_ROWS = [
    Row("ws20", "WebSocket echo of 20 bytes, 64 connections", "messages/s", rate, websocket(64, 20), "message"),
    Row("ws16k", "WebSocket echo of 16 KiB, 64 connections", "messages/s", rate, websocket(64, 16 << 10), "message"),
]


# ---- one run, measured ----

class Clocks:
    """What the cores did, and for whom."""

    def __init__(self, server, place):
        self.server = sum(map(lab.process_time, server.pids() + lab.find_ksoftirqd(place.server_core)))
        self.client = lab.children_time() + sum(map(lab.process_time, lab.find_ksoftirqd(place.client_core)))
        self.server_core = lab.core_time(place.server_core)
        self.client_core = lab.core_time(place.client_core)

    def write(self, sample, before):
        sample.core_s = self.server - before.server
        sample.busy_s = self.server_core - before.server_core
        sample.both_s = sample.core_s + self.client - before.client
        sample.other_s = max(0.0, sample.busy_s + self.client_core - before.client_core - sample.both_s)


def run_once(row, server, place, seconds):
    before = Clocks(server, place)
    sample = row.client(server, place, seconds)
    if not server.is_alive():
        raise lab.Problem(f"{server.name} ended:\n{server.last_words()}")
    Clocks(server, place).write(sample, before)
    return sample


def idle_share(server, place, seconds=2.0):
    """Part of a core that the server's processes take while nobody asks for anything."""
    before = sum(map(lab.process_time, server.pids()))
    time.sleep(seconds)
    return (sum(map(lab.process_time, server.pids())) - before) / seconds
