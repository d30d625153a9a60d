"""Short connections against keep-alive: twenty objects each way

A connection for each object pays for a handshake and a close each time, and begins slowly each time."""

import re

from stage import ADDRESS, folded, over, put, say

OBJECTS = 20
SHORT = f"""
for i in $(seq {OBJECTS}); do
    curl -s -o /dev/null -w '%{{time_total}}\\n' http://{ADDRESS}/object-$i
done | awk '{{ s += $1 }} END {{ print s, "s" }}'"""
KEPT = f"""
curl -s -o /dev/null -w '%{{time_total}}\\n' \\
    'http://{ADDRESS}/object-[1-{OBJECTS}]' | awk '{{ s += $1 }} END {{ print s, "s" }}'"""


def counters(on):
    """What the client's kernel has counted. Nobody else is in this namespace."""
    names, values = (line.split()[1:] for line in on.quietly("grep ^Tcp: /proc/net/snmp").splitlines())
    tcp = dict(zip(names, map(int, values)))
    octets = on.quietly("cat /sys/class/net/taphouse0/statistics/[rt]x_bytes").split()
    return {"handshakes": tcp["ActiveOpens"], "packets": tcp["InSegs"] + tcp["OutSegs"], "bytes": sum(map(int, octets))}


def fetch(on, server, script, number, most):
    """Runs it, and shows the ladder of its last connection, which has this number; what it took until that was over."""
    before = counters(on)
    seconds = float(re.search(r"[\d.]+", on.run(script))[0])
    lines = server.skip(over(number))
    for line in folded([line for line in lines if f"#{number} " in line], most):
        put(line)
    put()
    return {**{key: value - before[key] for key, value in counters(on).items()}, "seconds": seconds}


def play(on):
    for i in range(OBJECTS + 1):
        on.file(f"object-{i}", b"%04d" % i * 256)
    server = on.serve("--impair", "delay=5ms")
    on.quietly(f"curl -s -o /dev/null http://{ADDRESS}/object-0")  # the neighbours get to know each other
    server.skip(over(1))

    say(f"""{OBJECTS} objects of 1 KiB on a path of 10 ms there and back: first with a connection each, then on
        one. Look at how often 10 ms pass before an object is there. What is added up is the time that curl took
        for each.""")
    short = fetch(on, server, SHORT, OBJECTS + 1, 16)
    kept = fetch(on, server, KEPT, OBJECTS + 2, 22)
    put(f"  {'':<12}{'short':>12}{'keep-alive':>12}")
    for key in ("handshakes", "packets", "bytes"):
        put(f"  {key:<12}{short[key]:>12,}{kept[key]:>12,}")
    put(f"  {'seconds':<12}{short['seconds']:>12.3f}{kept['seconds']:>12.3f}")
