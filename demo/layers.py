"""The seven layers: one frame, opened

Each layer takes its header off and hands on what is left. The bytes are those that were on the wire."""

import ipaddress
import struct

from stage import ADDRESS, coloured, over, put, say

ETHERNET, IPV4, TCP = 14, 20, 20  # bytes of the headers without options
BYTES = 6  # of a field, in a line
OPTIONS = {1: "no-operation", 2: "maximum segment size", 3: "window scale", 4: "SACK permitted", 8: "timestamps"}


def frames(capture):
    """The frames of a pcapng file: its enhanced packet blocks."""
    with open(capture, "rb") as file:
        data = file.read()
    while len(data) >= 12:
        kind, length = struct.unpack_from("<II", data)
        if kind == 6:
            captured, = struct.unpack_from("<I", data, 20)
            yield data[28:28 + captured]
        data = data[length:]


def checksum(data):
    """RFC 1071: the sum of what carries its own checksum is 0."""
    total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return 0xffff - total


def verdict(data):
    return "right" if checksum(data) == 0 else "wrong, or left to the network card"


def number(data):
    return f"{int.from_bytes(data, 'big'):,}"


def mac(data):
    return data.hex(":")


def address(data):
    return str(ipaddress.ip_address(data))


def flags(byte):
    names = ("FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR")
    return " ".join(name for bit, name in enumerate(names) if byte >> bit & 1)


def show_layer(text, header, fields):
    """fields: (name, first byte, number of bytes, what they say)."""
    put(coloured(f"{text}: {len(header)} bytes", "1"))
    for name, first, length, value in fields:
        put(f"  {header[first:first + min(length, BYTES)].hex(' '):<18} {name:<24} {value}")
        if length > BYTES:
            put(f"  {header[first + BYTES:first + length].hex(' ')}")
    put()


def show_ethernet(header):
    show_layer("2 data link: Ethernet", header, [
        ("destination", 0, 6, mac(header[0:6]) + ", the server's"),
        ("source", 6, 6, mac(header[6:12]) + ", the client's"),
        ("type", 12, 2, "IPv4: so layer 3 gets it"),
    ])


def show_ip(header):
    show_layer("3 network: IPv4", header, [
        ("version, header length", 0, 1, f"4, {(header[0] & 15) * 4} bytes"),
        ("type of service", 1, 1, "DSCP and ECN"),
        ("total length", 2, 2, number(header[2:4])),
        ("identification", 4, 2, number(header[4:6])),
        ("flags, fragment offset", 6, 2, "do not fragment" if header[6] & 0x40 else "may be fragmented"),
        ("time to live", 8, 1, f"{header[8]} routers"),
        ("protocol", 9, 1, "TCP: so layer 4 gets it"),
        ("header checksum", 10, 2, verdict(header)),
        ("source", 12, 4, address(header[12:16])),
        ("destination", 16, 4, address(header[16:20])),
    ])


def options(header):
    """Of TCP, as fields."""
    at = TCP
    while at < len(header):
        length = 1 if header[at] < 2 else header[at + 1]
        body = header[at + 2:at + length]
        value = " ".join(number(body[i:i + 4]) for i in range(0, len(body), 4))
        yield OPTIONS.get(header[at], f"option {header[at]}"), at, length, value
        at += length


def show_tcp(header, text, addresses):
    pseudo = addresses + struct.pack("!BBH", 0, 6, len(header) + len(text))
    show_layer("4 transport: TCP", header, [
        ("source port", 0, 2, number(header[0:2])),
        ("destination port", 2, 2, number(header[2:4]) + ", who listens there gets it"),
        ("sequence number", 4, 4, number(header[4:8])),
        ("acknowledgement", 8, 4, number(header[8:12])),
        ("header length", 12, 1, f"{(header[12] >> 4) * 4} bytes"),
        ("flags", 13, 1, flags(header[13])),
        ("window", 14, 2, number(header[14:16]) + ", to be scaled"),
        ("checksum", 16, 2, verdict(pseudo + header + text)),
        ("urgent pointer", 18, 2, number(header[18:20])),
        *options(header),
    ])


def show_http(text):
    put(coloured(f"7 application: HTTP: {len(text)} bytes", "1"))
    for at in range(0, len(text), 16):
        piece = text[at:at + 16]
        readable = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in piece)
        put(f"  {piece.hex(' '):<47}  {readable}")


def play(on):
    server = on.serve(capture="page.pcapng")

    say("""One request, captured, and the frame that brought it. Layer 1 is a cable, here a virtual one. 5 and
        6, session and presentation, are TLS's place; without TLS there is nothing between TCP and HTTP.""")
    on.run(f"curl -s http://{ADDRESS}/hello.txt")
    server.ladder(over(1))
    server.stop()
    frame = next(frame for frame in frames(server.capture) if b"GET /" in frame)
    ip = frame[ETHERNET:ETHERNET + IPV4]
    segment = frame[ETHERNET + IPV4:]
    data_offset = (segment[12] >> 4) * 4
    put()
    show_ethernet(frame[:ETHERNET])
    show_ip(ip)
    show_tcp(segment[:data_offset], segment[data_offset:], ip[12:20])
    show_http(segment[data_offset:])
