"""Congestion control: Reno, CUBIC and BBR side by side

How much may be on the way is the sender's own estimate, cwnd, of what the path bears: nobody tells it."""

import concurrent.futures
import json

from stage import ADDRESS, Stage, columns, put, say

ALGORITHMS = ("reno", "cubic", "bbr")
WIRE = "tx:rate=10mbit,tx:queue=60,delay=20ms"
SECONDS = 5
HEIGHT = 10
SAMPLER = f"""
    import http.client, time
    watch = http.client.HTTPConnection("{ADDRESS}", 81, timeout=10)
    begun = time.monotonic()
    while time.monotonic() < begun + {SECONDS}:
        watch.request("GET", "/connections.json")
        print(f"{{time.monotonic() - begun:.3f}}", watch.getresponse().read().decode().replace("\\n", ""), flush=True)
        time.sleep(0.05)
"""


class Run:
    """One transfer with one algorithm, in a namespace of its own."""

    def __init__(self, algorithm, captures):
        self.algorithm = algorithm
        self.stage = Stage(f"congestion-{algorithm}", captures)
        self.samples = []  # (seconds, cwnd in segments, round trip in ms)

    def play(self):
        with self.stage as on:
            on.file("big", bytes(20_000_000))
            server = on.serve("--impair", WIRE, tcp=f'congestion = "{self.algorithm}"', show=False)
            on.keep("sampler.py", SAMPLER)
            load = on.start(["curl", "-s", "-o", "/dev/null", "--max-time", str(SECONDS), f"http://{ADDRESS}/big"])
            for line in on.quietly("python3 sampler.py").splitlines():
                self._take(*line.split(" ", 1))
            load.wait()
            self.status = server.status()

    def _take(self, seconds, document):
        for row in json.loads(document)["connections"]:
            if row["local_port"] == 80:
                self.samples.append((float(seconds), row["cwnd"] / row["mss"], row["srtt"] / 1000))


def curve(samples, width, top):
    """Rows of bars, the highest first: in each column the mean of its samples."""
    blocks = " ▁▂▃▄▅▆▇█"
    bars = []
    for i in range(width):
        within = [cwnd for at, cwnd, _ in samples if i <= at * width / SECONDS < i + 1]
        bars.append(max(within) if within else bars[-1] if bars else 0)
    for row in reversed(range(HEIGHT)):
        yield "".join(blocks[max(0, min(8, round((bar / top * HEIGHT - row) * 8)))] for bar in bars)


def draw(runs):
    width = max(16, (min(columns(), 160) - 8) // len(runs) - 3)
    top = max(cwnd for run in runs for _, cwnd, _ in run.samples)
    curves = [list(curve(run.samples, width, top)) for run in runs]
    put(" " * 8 + " | ".join(f"{run.algorithm:<{width}}" for run in runs))
    for row in range(HEIGHT):
        label = f"{top:.0f}" if row == 0 else "0" if row == HEIGHT - 1 else ""
        put(f"{label:>6}  " + " | ".join(lines[row] for lines in curves))
    put(" " * 8 + " | ".join(f"0 s{SECONDS:>{width - 5}} s" for _ in runs))


def play(on):
    say(f"""One file, three times at once, each on a path of its own: 10 Mbit/s, 40 ms there and back, and a
        queue of 60 frames in front of the bottleneck (--impair {WIRE}). About 35 segments fill the path; what
        is more waits in the queue, until that overflows. The curves are cwnd, in segments, over {SECONDS}
        s.""")
    runs = [Run(algorithm, on.captures) for algorithm in ALGORITHMS]
    with concurrent.futures.ThreadPoolExecutor(len(runs)) as pool:
        list(pool.map(Run.play, runs))
    draw(runs)

    say("""Slow start doubles cwnd each round trip, until round trips grow longer or something is lost. Then
        Reno adds a segment a round trip and halves it at each loss: the saw-tooth. CUBIC takes three tenths
        away, and comes back to where the loss was along a cubic curve. BBR measures rate and shortest round
        trip, and keeps about twice their product on the way, so that its queue stays short.""")
    put(f"  {'':<30}" + "".join(f"{run.algorithm:>12}" for run in runs))
    for text, count in (("Mbit/s", lambda run: f"{run.status['tcp']['TCPOutBytes'] * 8 / SECONDS / 1e6:.1f}"),
                        ("sent again", lambda run: run.status["tcp"]["RetransSegs"]),
                        ("mean round trip, ms", lambda run: f"{sum(s[2] for s in run.samples) / len(run.samples):.0f}")):
        put(f"  {text:<30}" + "".join(f"{count(run):>12}" for run in runs))
