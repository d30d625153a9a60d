#!/usr/bin/python3
"""Writes the seeds of fuzz_frames to corpus/frames/: conversations with the stack that the fuzzer may spoil.

Needs scapy (Debian: python3-scapy). The format is told at the head of fuzz_frames.c. With RELATIVE an
acknowledgement number of 0 acknowledges all that the stack has sent, an echoed timestamp of 0 is its last one,
and a Fast Open cookie of zeros the one that it gave.
"""

import os
import struct
import sys

from scapy.all import ARP, ICMP, IP, TCP, UDP, Ether, Raw, fragment

MEND, RELATIVE, OFFLOAD, SMALL_MTU, SLOW_READER, CLOSES, ABORTS, TALKS = 1, 2, 4, 8, 16, 32, 64, 128
CUBIC, BBR, RENO, COOKIES, PROBING, SCARCE = 0, 1, 2, 4, 8, 16  # settings
CHECKSUM_VALID, GSO = 0x8000, 0x4000
US, PEER = "10.77.0.2", "10.77.0.1"
OUR_MAC, PEER_MAC = "02:00:00:00:00:02", "02:00:00:00:00:01"
ISS = 1000
SYN_OPTIONS = (("MSS", 1460), ("SAckOK", b""), ("NOP", None), ("WScale", 7))


def step(seconds):
    """The time step nearest to so many seconds."""
    us = seconds * 1e6
    return min(range(256), key=lambda b: abs(((b & 15) << (b >> 4) * 2) - us))


def ether(packet, dst=OUR_MAC):
    return Ether(src=PEER_MAC, dst=dst) / packet


def ip(packet, **fields):
    return ether(IP(src=PEER, dst=US, **fields) / packet)


def tcp(flags, seq, ack=0, data=b"", sport=4000, **fields):
    segment = TCP(sport=sport, dport=80, flags=flags, seq=seq & 0xFFFFFFFF, ack=ack & 0xFFFFFFFF, **fields)
    return ip(segment / Raw(data)) if data else ip(segment)


def record(frame, seconds=0.001, flags=0):
    raw = bytes(frame)
    return struct.pack(">HB", len(raw) | flags, step(seconds)) + raw


def handshake(sport=4000, options=SYN_OPTIONS, window=8192):
    return [
        record(tcp("S", ISS, sport=sport, options=list(options), window=window)),
        record(tcp("A", ISS + 1, sport=sport, window=window)),
    ]


def say(data, at=0, flags="PA", **fields):
    return record(tcp(flags, ISS + 1 + at, data=data, **fields))


def ack(at, seconds=0.001, flags="A", **fields):
    return record(tcp(flags, ISS + 1 + at, **fields), seconds)


def sack(*blocks):
    return [("NOP", None), ("NOP", None), ("SAck", tuple(edge & 0xFFFFFFFF for block in blocks for edge in block))]


def stamp(value, echo=0):
    return [("NOP", None), ("NOP", None), ("Timestamp", (value, echo & 0xFFFFFFFF))]


def quote(kind, code, mtu=0):
    """An ICMP error about the last byte that the stack has sent."""
    quoted = bytes(IP(src=US, dst=PEER) / TCP(sport=80, dport=4000, flags="A", seq=0xFFFFFFFF))[:28]
    error = ICMP(type=kind, code=code, nexthopmtu=mtu) if kind == 3 else ICMP(type=kind, code=code)
    return record(ip(error / Raw(quoted)))


def fragments_of(packet, size):
    return [record(ether(f)) for f in fragment(IP(src=PEER, dst=US, id=7) / packet, fragsize=size)]


def seeds():
    good = MEND | RELATIVE
    request = b"GET / HTTP/1.1\r\nHost: 10.77.0.2\r\n\r\n"
    n = len(request)
    timestamps = (("MSS", 1460), ("SAckOK", b""), ("Timestamp", (1, 0)), ("NOP", None), ("WScale", 7))

    yield "arp", good, [
        record(ether(ARP(op="who-has", hwsrc=PEER_MAC, psrc=PEER, pdst=US), "ff:ff:ff:ff:ff:ff")),
        record(ether(ARP(op="is-at", hwsrc="02:00:00:00:00:09", psrc=US, pdst=PEER, hwdst=OUR_MAC))),
        record(ether(ARP(op="is-at", hwsrc="02:00:00:00:00:09", psrc="10.77.0.9", pdst=US, hwdst=OUR_MAC))),
    ]
    yield "echo", good, [
        record(ip(ICMP(type="echo-request", id=1, seq=1) / Raw(b"x" * 56))),
        record(ether(IP(src="10.77.0.9", dst=US) / ICMP(type="echo-request"))),
        record(ether(IP(src=PEER, dst="10.77.0.255") / ICMP(type="echo-request"), "ff:ff:ff:ff:ff:ff")),
        record(ip(ICMP(type="echo-request") / Raw(b"y" * 8), tos=0xb9)),
    ]
    large = ICMP(type="echo-request", id=1, seq=1) / Raw(b"z" * 5000)
    yield "echo_fragments", good, fragments_of(large, 1480)
    yield "echo_fragments_reversed", good | SMALL_MTU, fragments_of(large, 552)[::-1]
    yield "fragments_overlap", good, fragments_of(large, 1480)[:2] + fragments_of(large, 552)
    yield "fragments_timeout", good, fragments_of(large, 1480)[:2] + [record(ip(UDP(dport=9)), 60)]
    yield "tcp_fragments", good, handshake() + fragments_of(
        TCP(sport=4000, dport=80, flags="PA", seq=ISS + 1, ack=0) / Raw(request), 32)
    yield "udp_closed_port", good, [record(ip(UDP(sport=9, dport=9) / Raw(b"hello")))]
    yield "unknown_protocol", good, [record(ip(Raw(b"0123456789"), proto=132))]
    record_route, source_route = b"\x07\x07\x04\0\0\0\0\0", b"\x83\x07\x04\x0a\x4d\0\1\0"
    yield "ip_options", good, [record(ether(IP(src=PEER, dst=US, options=record_route) / ICMP()))]
    yield "source_route", good, [record(ether(IP(src=PEER, dst=US, options=source_route) / ICMP()))]
    unreachables = [quote(3, code, 1280) for code in (0, 1, 2, 3, 4, 13)]
    yield "icmp_errors", good, handshake() + [say(b"e" * 1400)] + unreachables + [
        quote(4, 0), quote(5, 0), quote(11, 0), quote(12, 0), ack(1400)]
    yield "icmp_error_during_handshake", good, handshake()[:1] + [quote(3, 0), quote(3, 3)]

    yield "syn_to_closed_port", good, [record(ip(TCP(sport=4000, dport=81, flags="S", seq=ISS)))]
    yield "syn_only", good, handshake()[:1]
    yield "syn_flood", good, [record(tcp("S", ISS, sport=5000 + i)) for i in range(20)]
    yield "syn_twice", good, handshake()[:1] * 2 + handshake()[1:]
    yield "syn_with_data", good, [record(tcp("S", ISS, data=request)), ack(n)]
    yield "handshake", good, handshake()
    yield "handshake_reset", good, handshake()[:1] + [ack(0, flags="R"), ack(0)]
    yield "many_connections", good, [r for i in range(20) for r in handshake(sport=6000 + i)]
    yield "request", good, handshake() + [say(request), ack(n), ack(n, flags="FA"), ack(n + 1)]
    yield "request_on_third_ack", good, handshake()[:1] + [say(request), ack(n, flags="FA"), ack(n + 1)]
    yield "timestamps", good, handshake(options=timestamps) + [
        say(request, options=[("NOP", None), ("NOP", None), ("Timestamp", (2, 0))]),
        ack(n, options=[("NOP", None), ("NOP", None), ("Timestamp", (1, 0))])]
    super_segment = record(tcp("PA", ISS + 1, data=b"a" * 8000), flags=GSO | CHECKSUM_VALID)
    yield "offload", good | OFFLOAD, handshake() + [super_segment, ack(8000), ack(8000, flags="FA")]
    bulk = [say(b"b" * 1460, 1460 * i, flags="A") for i in range(8)]
    yield "bulk", good, handshake(window=65535) + bulk + [ack(8 * 1460), ack(8 * 1460)]
    yield "out_of_order", good, handshake() + [
        say(b"3" * 100, 200), say(b"2" * 100, 100), say(b"4" * 50, 300), say(b"1" * 100), ack(350)]
    yield "overlapping_segments", good, handshake() + [
        say(b"3" * 100, 150), say(b"2" * 100, 100), say(b"1" * 180), say(b"0" * 400), ack(400)]
    unanswered = [say(b"d" * 1460, 1460 * i, ack=-1460 * i) for i in range(4)]
    yield "duplicate_acks", good, handshake() + unanswered + [
        ack(5840, 0.0001, ack=-5840) for _ in range(4)] + [ack(5840, ack=-4380), ack(5840)]
    yield "sacks", good, handshake() + [say(b"s" * 1400)] + [
        ack(1400, ack=-1400, options=sack((-1000, -500))) for _ in range(4)]
    yield "retransmissions", good, handshake() + [say(request), ack(n, 3, flags="A"), ack(n, 10)]
    yield "lost_third_ack", good, handshake()[:1] + [ack(0, 4)]
    yield "zero_window", good, handshake(window=0) + [
        say(request, window=0), ack(n, 30, window=0), ack(n, 60, window=9000)]
    yield "small_window", good, handshake(window=100) + [say(b"w" * 1000, window=100), ack(1000, window=7)]
    yield "slow_reader", good | SLOW_READER, handshake() + [
        say(b"r" * 1400, 1400 * i) for i in range(4)] + [ack(5600)]
    yield "small_mtu", good | SMALL_MTU, handshake() + [say(b"m" * 1400), ack(1400)]
    yield "urgent", good, handshake() + [say(request, flags="PAU", urgptr=5), ack(n)]
    yield "we_close", good | CLOSES, handshake() + [
        say(request), ack(n), ack(n, flags="FA"), ack(n, 90, flags="FA")]
    yield "we_abort", good | ABORTS, handshake() + [say(request), ack(n)]
    yield "both_close", good | CLOSES, handshake() + [say(request, flags="FPA"), ack(n + 1)]
    yield "half_close", good, handshake() + [say(request, flags="FPA"), ack(n + 1, 5), ack(n + 1, 60)]
    yield "time_wait_reuse", good | CLOSES, handshake() + [say(request), ack(n), ack(n, flags="FA")] + [
        record(tcp("S", ISS + 500000), 2), record(tcp("A", ISS + 500001))]
    yield "reset_in_window", good, handshake() + [ack(50, flags="R"), ack(0, flags="R")]
    yield "syn_in_connection", good, handshake() + [ack(5, flags="S"), ack(-1, flags="S")]
    yield "bad_acks", good, handshake() + [
        record(tcp("A", ISS + 1, ack=1)), record(tcp("A", ISS + 1, ack=-100000)), record(tcp("", ISS + 1))]
    yield "odd_flags", good, handshake() + [ack(0, flags=f) for f in ("SF", "SR", "FPU", "", "SAFRPU")]
    yield "keep_alive_probe", good, handshake() + [ack(-1, 60), ack(-1, 7200)]
    yield "sequence_wrap", good, [
        record(tcp("S", -3)), record(tcp("A", -2)), record(tcp("PA", -2, data=b"wrap!")),
        record(tcp("FA", 3))]
    yield "bad_checksums", 0, handshake()
    syn = bytes(tcp("S", ISS))
    yield "short_frames", good, [record(syn[:k]) for k in range(0, len(syn), 5)]
    yield from attacks(good)


def attacks(good):
    """Conversations with a server that has much to say."""
    tiny = (("MSS", 48), ("SAckOK", b""), ("NOP", None), ("WScale", 14))
    timestamps = (("MSS", 1460), ("SAckOK", b""), ("Timestamp", (1, 0)), ("NOP", None), ("WScale", 7))
    cookie = (("MSS", 1460), ("SAckOK", b""), (34, b"\0" * 8))
    talk = [say(b"?")]
    grow = [ack(1) for _ in range(5)]

    for name, settings in ("cubic", CUBIC), ("bbr", BBR), ("reno", RENO), ("probing", PROBING):
        lost = [ack(1, 0.05, ack=-10000, options=sack((-8000, -3000))),
                ack(1, 0.001, ack=-10000, options=sack((-9000, -8540), (-8000, 0))),
                ack(1, 0.2, ack=-8540, options=sack((-10000, -8540), (-8000, 0))), ack(1, 2), ack(1)]
        yield f"talk_{name}", good | TALKS, handshake(window=65535) + talk + grow + lost, settings
        yield f"talk_offload_{name}", good | TALKS | OFFLOAD, handshake(window=65535) + talk + grow + lost, settings
    yield "talk_tiny_mss", good | TALKS, handshake(options=tiny) + talk + grow + [
        ack(1, ack=-360, options=sack((-320, -280), (-200, -150), (-100, -10))), ack(1, 3, ack=-200)], 0
    # Each duplicate lets one segment more out (limited transmit).
    yield "talk_without_sack", good | TALKS, handshake(options=tiny[:1]) + talk + [
        ack(1, ack=-480 - 48 * i) for i in range(5)] + [ack(1, ack=-480), ack(1, 1, ack=-300), ack(1)], RENO
    yield "talk_timestamps", good | TALKS, handshake(options=timestamps)[:1] + [ack(0, options=stamp(2))] + [
        say(b"t" * 1400, 1400 * i, options=stamp(3 + i)) for i in range(3)] + [
        ack(4200, flags="SA", options=stamp(9)), ack(4200, options=stamp(9))], BBR
    yield "spurious", good | TALKS, handshake(options=timestamps) + [
        say(b"?", options=stamp(2)), ack(1, 1, ack=-1460, options=stamp(3)),
        ack(1, 0.01, ack=-100, options=stamp(4, -1000)), ack(1, options=stamp(5))], 0
    yield "probe_in_two", good | TALKS, handshake(window=65535) + talk + grow * 3 + [
        ack(1, ack=-5000, options=sack((-4000, -2800))), ack(1, options=sack((-1200, 0))), ack(1)], PROBING
    yield "marks", good | TALKS, [record(tcp("SEC", ISS, options=list(timestamps))), ack(0, options=stamp(2))] + [
        record(tcp("PA", ISS + 1, data=b"?", options=stamp(3))),
        ack(1, flags="EA", options=stamp(4)), ack(1, flags="CA", options=stamp(5))], 0
    yield "cookies", good | TALKS, handshake(options=timestamps) + [
        ack(0, options=stamp(2)), say(b"?", options=stamp(3)), ack(1, options=stamp(4))], COOKIES
    yield "fast_open", good | TALKS, handshake(sport=4001, options=(("MSS", 1460), (34, b""))) + [
        record(tcp("S", ISS, data=b"?", options=list(cookie))), ack(1), ack(1, flags="FA")], 0
    yield "fast_open_reset", good | TALKS, handshake(sport=4001, options=(("MSS", 1460), (34, b""))) + [
        record(tcp("S", ISS, data=b"?", options=list(cookie))), ack(1, flags="RA"), ack(1)], SCARCE
    yield "scarce", good | TALKS | SLOW_READER, handshake() + [
        say(b"o" * 1400, 1400 * i) for i in (7, 5, 3, 1, 0, 2)] + [ack(2800, 1), ack(2800, flags="FA")], SCARCE
    yield "window_toggles", good | TALKS, handshake() + talk + [
        ack(1, 2 * i % 3, window=w) for i, w in enumerate((0, 1, 0, 9000, 0, 3, 60000))], 0


def main():
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus", "frames")
    os.makedirs(folder, exist_ok=True)
    count = 0
    for name, mode, records, *settings in seeds():
        with open(os.path.join(folder, name), "wb") as seed:
            seed.write(bytes([mode, *(settings or [0])]) + b"".join(records))
        count += 1
    print(f"{count} seeds in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
