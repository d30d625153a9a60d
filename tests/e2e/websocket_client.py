"""Clients of test_websocket.py, run inside its namespace: websocket_client.py WHAT URL [ARGUMENT...]; prints JSON."""

import asyncio
import json
import random
import selectors
import socket
import ssl
import sys
import time
from urllib.parse import urlsplit

import websockets


def connect(url, **options):
    """Whoever signed the certificate."""
    if url.startswith("wss:"):
        options["ssl"] = ssl._create_unverified_context()
    return websockets.connect(url, **options)


async def echo(url, compression, count):
    """Messages of many sizes, 1 MiB of text and of binary among them, sent while the answers are read."""
    rng = random.Random(7)
    texts = ["", "a", "Grüße, 世界 😀", "x" * 125, "x" * 126, "y" * 65535, "y" * 65536, "".join(
        rng.choices("etaoin shrdlu äöü", k=600000))[:600000].encode()[:1 << 20].decode(errors="ignore"), "z" * (1 << 20)]
    messages = [*texts, b"", rng.randbytes(70000), rng.randbytes(1 << 20), bytes(1 << 20)] * int(count)
    async with connect(url, max_size=1 << 21, compression=None if compression == "none" else "deflate") as ws:
        async def send():
            for message in messages:
                await ws.send(message)
        task = asyncio.create_task(send())
        same = [await ws.recv() == message for message in messages]
        await task
        fragments = ["frag", "men", "", "ted"]
        await ws.send(fragments)
        same.append(await ws.recv() == "".join(fragments))
        await (await ws.ping())
        extension = ws.response.headers.get("Sec-WebSocket-Extensions", "") if hasattr(ws, "response") else \
            ws.response_headers.get("Sec-WebSocket-Extensions", "")
    return {"same": all(same), "n": len(same), "code": ws.close_code, "extension": extension}


async def close_codes(url):
    """What the server says to a message beyond its limit, and to codes of ours."""
    codes = {}
    for name, message, compression in (("big", b"x" * ((1 << 20) + 1), None),
                                       ("inflated", "x" * ((1 << 20) + 1), "deflate")):  # small on the wire
        ws = await connect(url, max_size=None, compression=compression)
        try:
            await ws.send(message)
            await ws.recv()
        except websockets.ConnectionClosed:
            pass
        codes[name] = ws.close_code  # the server has closed: asyncio may fail at one more close()
    for code in (1000, 3000, 4999):
        ws = await connect(url)
        await ws.close(code, "ours")
        codes[str(code)] = ws.close_code
    return codes


async def wait_for_close(url):
    """Connected until the server ends; says so on standard output."""
    async with connect(url) as ws:
        await ws.send("ready")
        await ws.recv()
        print("ready", flush=True)
        try:
            await ws.recv()
        except websockets.ConnectionClosed:
            pass
    return {"code": ws.close_code}


def frame(payload):
    """A masked binary frame; a mask of zeros."""
    length = len(payload)
    head = bytes([0x82, 0x80 | length]) if length < 126 else bytes([0x82, 0xfe]) + length.to_bytes(2, "big")
    return head + bytes(4) + payload


def join(url, receive_buffer=None):
    parts = urlsplit(url)
    s = socket.socket()
    if receive_buffer is not None:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    s.connect((parts.hostname, parts.port or 80))
    s.sendall(f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
    if receive_buffer is not None:
        return s
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += s.recv(1)
    assert head.startswith(b"HTTP/1.1 101 "), head
    return s


def crowd(url, members, messages, size):
    """Members of one room, of which one never reads; how long the others waited at most for all messages."""
    members, messages, size = int(members), int(messages), int(size)
    lazy = join(url, receive_buffer=2048)
    sockets = [join(url) for _ in range(members - 1)]
    selector = selectors.DefaultSelector()
    expected = messages * (size + (4 if size > 125 else 2))
    missing = {}
    for s in sockets:
        s.setblocking(False)
        selector.register(s, selectors.EVENT_READ)
        missing[s] = expected
    start = time.monotonic()
    for n in range(messages):
        speaker = sockets[n % len(sockets)]
        speaker.setblocking(True)
        speaker.sendall(frame(bytes([n % 256]) * size))
        speaker.setblocking(False)
        target = expected - (n + 1) * (expected // messages)
        while any(left > target for left in missing.values()) and time.monotonic() < start + 100:
            for key, _ in selector.select(1):
                missing[key.fileobj] -= len(key.fileobj.recv(1 << 16))
    lazy.setblocking(False)
    return {"served": sum(left == 0 for left in missing.values()), "seconds": time.monotonic() - start}


if __name__ == "__main__":
    result = globals()[sys.argv[1]](*sys.argv[2:])
    print(json.dumps(asyncio.run(result) if asyncio.iscoroutine(result) else result))
