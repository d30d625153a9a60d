"""Reliability: a bad wire, and every byte arrives

Checksum, acknowledgement, retransmission, order: IP loses, doubles, swaps and damages; TCP puts it right."""

from stage import ADDRESS, over, put, say

WIRE = "loss=2%,reorder=2%,duplicate=1%,corrupt=1%,delay=5ms,seed=7"
TROUBLE = r"<=|==>|[-=]x | x[-=] |retransmission|loss|undo|dropped|probe|sent again|recover"
COUNTED = [
    ("lost or damaged on its way out, or lost in", lambda s: s["drops"]["wire"]),
    ("damaged, and thrown away by the server", lambda s: s["tcp"]["InCsumErrors"] + s["drops"]["ip_checksum"]),
    ("sent again by the server", lambda s: s["tcp"]["RetransSegs"]),
    ("  found by acknowledgements", lambda s: s["tcp"]["TCPFastRetrans"]),
    ("  found by waiting", lambda s: s["tcp"]["TCPTimeouts"]),
    ("  needless: it was only late", lambda s: s["tcp"]["TCPDSACKRecv"]),
]


def play(on):
    on.file("big", bytes(i * i % 251 for i in range(1 << 20)))
    server = on.serve("--impair", WIRE)

    say("""A mebibyte over a wire that loses 2 % of the frames, swaps 2 %, doubles 1 % and damages 1 %, both
        ways. The hashes are the same: it is all there, once, and in order.""")
    on.run("sha256sum site/big")
    on.run(f"curl -s http://{ADDRESS}/big | sha256sum")

    say("""What it took, as the ladder has it: an arrow that ends in x was lost or damaged on the wire, or
        thrown away because a checksum did not fit; neither side knows of it until it is missed. One of ==== is
        bytes that had been sent before.""")
    server.ladder(over(1), most=28, only=TROUBLE)
    counted = server.status()
    put()
    for text, count in COUNTED:
        put(f"  {text:<46}{count(counted):>6}")
