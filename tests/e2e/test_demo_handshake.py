"""The demo of the three-way handshake: what it shows is what the capture has."""

from conftest import ADDRESS
from demo import demo, port_of  # noqa: F401: a fixture
from test_capture import fields

PAGE = "demo-handshake.html"

# Holds the third ACK back for the request.
THIRD = f"""
import socket
s = socket.socket()
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
s.connect(({ADDRESS!r}, 80))
print(s.getsockname()[1])
s.sendall(b"GET /demo/object/3?close HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
while s.recv(65536): pass
"""


def test_numbers_are_those_of_the_capture(demo, tmp_path):
    demo.open(PAGE)
    port = port_of(demo.press("open", "open"))
    told = [int(demo.number(name)) for name in ("client-isn", "server-isn", "server-ack", "client-ack")]
    demo.browser.wait("document.querySelector('#open').innerText.includes('FIN')")  # it has been closed again
    shown = demo.arrows("open")
    demo.look("demo-handshake", tmp_path)
    demo.stop()
    (syn, _), (syn_ack, acks_syn), (_, acks_syn_ack) = [
        tuple(map(int, row)) for row in demo.captured(port, "tcp.seq_raw", "tcp.ack_raw")[:3]]
    assert told == [syn, syn_ack, acks_syn, acks_syn_ack]
    assert acks_syn == (syn + 1) % 2**32 and acks_syn_ack == (syn_ack + 1) % 2**32
    captured = demo.captured(port)
    assert shown == captured[:len(shown)] and len(shown) >= 6
    assert [flags for flags, *_ in shown[:3]] == [2, 18, 16]


def test_every_press_opens_another_connection(demo):
    demo.open(PAGE)
    ports = [port_of(demo.press("open", "open")) for _ in range(4)]
    assert len(set(ports)) == 4


def test_data_on_the_third_ack(demo, namespace):
    demo.open(PAGE)
    for _ in range(5):  # the kernel holds its ACK back for 40 ms or so, in which the program must say something
        demo.browser.wait("!document.querySelector('#third button').disabled")
        demo.browser.evaluate("document.querySelector('#third button').click()")
        demo.browser.wait("document.querySelector('#third [role=status]').textContent.startsWith('Waiting')")
        port = int(namespace.run("/usr/bin/python3", "-c", THIRD).stdout)
        demo.browser.wait(f"document.querySelector('#third [role=status]').textContent === 'From port {port}.'")
        if demo.number("third-len") != "0 bytes":
            break
    demo.stop()
    third = demo.captured(port)[2]
    assert demo.number("third-len") == f"{third[3]} bytes" and third[3] > 0
    assert demo.number("third-content").startswith("GET /demo/object/3?close")
    assert demo.number("third-segments") == "3"


def test_a_lost_syn_ack_comes_again(demo):
    demo.open(PAGE)
    port = port_of(demo.press("lost", "1"))
    lost = "[...document.querySelectorAll('#lost svg.arrow[data-drop=wire]')].map(({ dataset: d }) => d.flags)"
    assert demo.browser.wait(f"{lost}.length > 0 && {lost}") == ["SYN,ACK"]
    told = demo.number("synacks")
    demo.stop()
    flags = [row[0] for row in demo.captured(port)]
    opening = flags[:flags.index(16)]
    assert opening.count(18) >= 2 and told == f"{opening.count(18)}, 1 lost"
    assert int(demo.number("syns")) == opening.count(2)


def test_a_full_syn_queue_lets_the_visitor_in(demo, tmp_path):
    demo.open(PAGE)
    assert demo.press("full", "full", seconds=40) == "It was full, and you got in."
    demo.look("demo-handshake-full", tmp_path)
    limit = int(demo.number("queue").partition(" of ")[2])
    sent, back = int(demo.number("cookies")), int(demo.number("cookies-back"))
    port = port_of(demo.number("meanwhile"))
    demo.stop()
    assert limit == 64 and int(demo.number("most")) == limit
    syns = fields(demo.capture, "ip.src == 198.51.100.0/24 && tcp.flags.syn == 1", "tcp.dstport")
    assert {row[0] for row in syns} == {"8080"} and len(syns) > limit
    # One of them is the visitor's; browsers may open a second connection when the first is slow.
    assert 1 <= back <= 2 and sent == len(syns) - limit + back
    assert [row[0] for row in demo.captured(port)[:3]] == [2, 18, 16]
