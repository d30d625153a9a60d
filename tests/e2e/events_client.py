"""Clients of test_events.py, run inside its namespace: events_client.py WHAT URL [ARGUMENT...]; prints JSON."""

import asyncio
import contextlib
import json
import selectors
import socket
import subprocess
import sys
import time

import websockets
from websocket_client import connect, join

PATIENCE = 20


class Watcher:
    """A connection that watches, and the rows that it was told."""

    def __init__(self, ws):
        self.ws = ws
        self.rows = []

    async def ask(self, **members):
        await self.ws.send(json.dumps(members))

    async def until(self, condition):
        """Reads until the condition holds of some row; the rows that came."""
        begin = len(self.rows)
        while not any(map(condition, self.rows[begin:])):
            batch = json.loads(await asyncio.wait_for(self.ws.recv(), PATIENCE))
            assert isinstance(batch, list) and batch
            self.rows += batch
        return self.rows[begin:]


@contextlib.asynccontextmanager
async def watcher(url, **members):
    async with connect(url, compression=None) as ws:
        w = Watcher(ws)
        if members:
            await w.ask(**members)
        yield w


async def fetch(*arguments):
    curl = await asyncio.create_subprocess_exec("curl", "-sk", "-o", "/dev/null", *arguments)
    await curl.wait()


def is_end_of(connection):
    return lambda row: row["event"] == "closed" and row["connection"] == connection


async def replay(url, address, extra):
    """Of a connection that is over before anybody watches; and of one that begins afterwards."""
    await fetch(extra, address)
    async with watcher(url, watch="mine", samples=20) as w:
        over = await w.until(is_end_of(1))
        port = w.ws.local_address[1]
        task = asyncio.create_task(fetch(extra, address))
        live = await w.until(lambda row: row["event"] == "closed" and not row.get("replayed"))
        await task
        await w.ask(watch=[1])
        named = await w.until(is_end_of(1))
    return {"over": over, "live": live, "named": named, "port": port}


async def over(url, address):
    """What is replayed of a connection that is over."""
    await fetch(address)
    async with watcher(url, watch="mine") as w:
        return await w.until(lambda row: row["event"] == "closed")


async def code_of(url, message):
    async with connect(url) as ws:
        await ws.send(message)
        try:
            await asyncio.wait_for(ws.recv(), PATIENCE)
        except websockets.ConnectionClosed:
            pass
    return ws.close_code


async def refusals(url, *messages):
    return [await code_of(url, message) for message in messages] + [await code_of(url, b"{\"watch\":\"mine\"}")]


async def watch_until(url, what, port):
    """Rows up to the end of the connection with that port of the client's, which begins when "ready" is said."""
    async with watcher(url) as w, watcher(url, watch="mine") as other:
        await w.ask(watch=json.loads(what))
        async with watcher(url, watch="mine") as later:  # its handshake may be seen, and no more of it
            print("ready", flush=True)
            rows = await w.until(lambda row: row["event"] == "closed" and row["client_port"] == int(port))
            return {"rows": rows, "viewers": [w.ws.local_address[1], other.ws.local_address[1]],
                    "later": later.ws.local_address[1]}


REQUEST = b"GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n"


def load(host, connections, seconds):
    """Keeps so many connections busy; how many answers there were."""
    selector, answers = selectors.DefaultSelector(), 0
    for _ in range(connections):
        s = socket.create_connection((host, 80), PATIENCE)
        s.setblocking(False)
        s.send(REQUEST)
        selector.register(s, selectors.EVENT_READ)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for key, _ in selector.select(1):
            assert key.fileobj.recv(65536)
            key.fileobj.send(REQUEST)
            answers += 1
    return answers


def resident(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:")) << 10


async def crowd(url, host, pid, connections, seconds):
    """One watcher reads and one does not, while many connections are busy."""
    lazy = join(url, receive_buffer=2048)
    payload = b'{"watch":"all","samples":20}'
    lazy.sendall(bytes([0x81, 0x80 | len(payload), 0, 0, 0, 0]) + payload)
    before = resident(pid)
    async with watcher(url, watch="all", samples=20) as w:
        command = [sys.executable, __file__, "load", host, connections, seconds]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        start = time.monotonic()
        while process.poll() is None:
            with contextlib.suppress(asyncio.TimeoutError):
                w.rows += json.loads(await asyncio.wait_for(w.ws.recv(), 0.1))
        took = time.monotonic() - start
    told = [row for row in w.rows if row["event"] != "left_out"]
    return {"answers": json.loads(process.stdout.read()), "seconds": took, "rows": len(told),
            "left_out": sum(row["rows"] for row in w.rows if row["event"] == "left_out"),
            "connections": len({row["number"] for row in told}), "grown": resident(pid) - before}


if __name__ == "__main__":
    arguments = sys.argv[2:]
    if sys.argv[1] == "load":
        result = load(arguments[0], int(arguments[1]), float(arguments[2]))
    else:
        result = asyncio.run(globals()[sys.argv[1]](*arguments))
    print(json.dumps(result))
