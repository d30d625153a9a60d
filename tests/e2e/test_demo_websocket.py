"""The demo of WebSocket: its ladder has the upgrade, and the frames that it counts are those of the capture."""

from conftest import ADDRESS
from demo import demo  # noqa: F401: a fixture
from test_capture import fields

PAGE = "websocket.html"
TEXT, CLOSE, PING, PONG = "1", "8", "9", "10"


def frames(demo, port):
    """(from the server, opcode) of each frame on the connection."""
    rows = fields(demo.capture, f"websocket && tcp.port == {port}", "ip.src", "websocket.opcode")
    return [(source == ADDRESS, opcode) for source, opcodes in rows for opcode in opcodes.split(",")]


def echo_port(demo):
    (port,) = [port for port, uri, agent in fields(demo.capture, 'http.request.uri contains "/ws/echo?run="',
                                                   "tcp.srcport", "http.request.uri", "http.user_agent")][:1]
    return int(port)


def test_what_is_counted_is_on_the_wire(demo, tmp_path):
    demo.open(PAGE)
    browser = demo.browser
    browser.wait("document.querySelector('[data-state=echo]').textContent.startsWith('connected')")
    browser.evaluate("document.querySelector('#echo-form button').click()")
    browser.wait("document.getElementById('echo-log').textContent.includes('← two pints')")
    browser.wait("document.querySelector('[data-number=pongs]').textContent === '1'")
    assert demo.number("messages").split(", ")[0] == "1" and demo.number("pings") == "1"
    assert demo.number("upgrade").endswith(" ms")
    ladder = browser.evaluate("document.querySelector('#echo [data-ladder]').textContent")
    assert "GET /ws/echo?run=" in ladder and "101 Switching Protocols" in ladder and "WebSocket ping" in ladder
    demo.look("demo-websocket", tmp_path)
    demo.stop()
    seen = frames(demo, echo_port(demo))
    assert seen.count((True, PING)) >= 1 and seen.count((False, PONG)) >= 1
    assert seen.count((False, TEXT)) == 1 and seen.count((True, TEXT)) == 2  # the handshake is told by one


def test_the_ladder_of_an_end_has_its_code(demo):
    demo.open(PAGE)
    browser = demo.browser
    browser.evaluate("document.querySelector('[data-end=own]').click()")
    browser.wait("document.querySelector('#ends').innerText.includes('closed: 4321')")
    browser.wait("document.querySelector('#ends [data-ladder]').textContent.includes('WebSocket close: 4321 closing time')")
    browser.wait("document.querySelector('#ends [data-ladder]').textContent.includes('LAST-ACK')")
