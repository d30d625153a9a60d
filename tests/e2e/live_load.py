"""Load for the live page: many connections that ask now and then, and one that asks as often as all others together,
until standard input ends. Prints that one's port when all are open."""

import selectors
import socket
import sys
import time

ADDRESS, CONNECTIONS, REQUESTS_A_SECOND = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
REQUEST = b"GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n"
TICK = 0.01  # seconds

selector = selectors.DefaultSelector()
selector.register(sys.stdin, selectors.EVENT_READ)
quiet = [socket.create_connection((ADDRESS, 80), 20) for _ in range(CONNECTIONS - 1)]
busy = socket.create_connection((ADDRESS, 80), 20)
for s in (busy, *quiet):
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    s.setblocking(False)
    selector.register(s, selectors.EVENT_READ)


def ask(s):
    try:
        s.send(REQUEST)
    except BlockingIOError:
        pass  # it has enough to answer


print(busy.getsockname()[1], flush=True)
turn, following = 0, time.monotonic()
while True:
    for key, _ in selector.select(max(0, following - time.monotonic())):
        if key.fileobj is sys.stdin or not key.fileobj.recv(65536):
            sys.exit()
    if time.monotonic() < following:
        continue
    following = max(following + TICK, time.monotonic() - 10 * TICK)
    for _ in range(int(REQUESTS_A_SECOND / 2 * TICK)):
        ask(busy)
        ask(quiet[turn % len(quiet)])
        turn += 1
