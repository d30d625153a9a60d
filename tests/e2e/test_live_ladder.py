"""The modules that draw a connection (/.taphouse/ladder.js, states.js, feed.js), in a real browser: a ladder says what
tshark reads in the capture, marks trouble by shape, is worked with by keyboard, and keeps up with a flood of rows."""

import json

import pytest
from chromium import Chromium
from conftest import ADDRESS, Namespace, Server, npm_package, screenshots
from test_capture import fields
from test_live import AXE, URL
from test_trace import bits

ARROWS = "[...document.querySelectorAll('svg.arrow')].map((arrow) => ({ ...arrow.dataset }))"
BENCH = """(async () => {
    for (const name of ['ladder.css', 'states.css'])
        document.head.append(Object.assign(document.createElement('link'), { rel: 'stylesheet', href: name }));
    document.getElementById('pause').click();
    // Where the page's own feed, which may open a moment later, says so.
    const said = '<p id="feed" hidden></p><p id="sampling" hidden></p>';
    document.querySelector('main').innerHTML = `<h2>Bench</h2><div id="bench"></div>${said}`;
    const { createLadder } = await import('/.taphouse/ladder.js');
    const { createStates } = await import('/.taphouse/states.js');
    const { openFeed } = await import('/.taphouse/feed.js');
    const bench = document.getElementById('bench');

    Object.assign(globalThis, { bench, createLadder, createStates, openFeed });
})()"""


def segment(at, sender, flags, *, seq=1, ack=1, length=0, states=("ESTABLISHED", "ESTABLISHED"), **more):
    """A row as the server tells it."""
    return {"event": "segment", "time": 1000 + at, "since": at, "number": 1, "connection": 7, "client": "10.77.0.1",
            "client_port": 40000, "server": ADDRESS, "server_port": 80, "from": sender, "flags": flags, "seq": seq,
            "ack": ack, "len": length, "window": 65535, "client_state": states[0], "server_state": states[1],
            "inferred": "client", "sent_again": False, "third_ack": False, **more}


HANDSHAKE = [
    segment(0, "client", "SYN", seq=0, states=("SYN-SENT", "SYN-RECEIVED"), content="mss 1460 scale 10 sack ts", isn=4000000001),
    segment(0, "server", "SYN,ACK", seq=0, states=("ESTABLISHED", "SYN-RECEIVED"), content="mss 1460 scale 7 sack ts"),
    segment(0.0001, "client", "ACK", third_ack=True),
]
TROUBLE = [
    segment(0.001, "client", "PSH,ACK", length=92, content="GET /"),
    segment(0.002, "server", "ACK", ack=93, length=1448, content="200 OK"),
    segment(0.302, "server", "ACK", ack=93, length=1448, content="200 OK", sent_again=True, note="retransmission (RTO)"),
    segment(0.303, "client", "ACK", seq=93, ack=1449, drop="tcp_checksum"),
]


def serve_live(start, directory, tmp_path, *options):
    """start(*options), with the status location; nothing else is served."""
    config = tmp_path / "live.conf"
    config.write_text(f'site "e2e" {{\n\troot = "{directory}"\n\tlocation "/.taphouse/" {{ status = true }}\n}}\n')
    return start("--config", config, "--http", "80", *options)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """One for all; its server has nothing else to do."""
    tmp_path, ns = tmp_path_factory.mktemp("ladder"), Namespace()
    server = serve_live(lambda *options: Server(ns, tmp_path, *options, tmp_path=tmp_path), tmp_path, tmp_path)
    one = Chromium(ns, tmp_path / "profile")
    yield one
    one.close()
    server.kill()
    ns.remove()


def prepare(browser):
    browser.open("about:blank")
    browser.open(URL)
    browser.evaluate(BENCH)
    browser.messages.clear()


@pytest.fixture
def bench(browser):
    """A page with nothing on it but the modules. Nothing may have come to the console in the end."""
    prepare(browser)
    yield browser
    assert browser.messages == []


def draw(bench, rows, options=None):
    """A ladder of the connection of these rows."""
    bench.evaluate(f"globalThis.ladder = createLadder(bench, {json.dumps(options or {})}); ladder.show(7);"
                   f"ladder.add({json.dumps(rows)})")
    bench.wait(f"document.querySelectorAll('svg.arrow').length >= {len([r for r in rows if r['event'] == 'segment'])}")


def test_a_ladder_says_what_tshark_reads(bench, serve, site, namespace, tmp_path):
    server = serve_live(serve, site, tmp_path, "--trace=json", "--pcap", tmp_path / "t.pcapng")
    namespace.curl("-H", "Connection: close", "--local-port", "40123", "-o", "/dev/null", f"http://{ADDRESS}/1k.bin")
    assert server.stop() == 0
    told = [json.loads(line) for line in server.errors.read_text().splitlines() if line.startswith("{")]
    rows = [row for row in told if row.get("client_port") == 40123]
    segments = [row for row in rows if row["event"] == "segment"]
    capture = fields(tmp_path / "t.pcapng", "tcp.port == 40123", "ip.src", "tcp.flags", "tcp.seq", "tcp.ack", "tcp.len",
                     "tcp.window_size", "frame.time_epoch")
    bench.evaluate(f"globalThis.ladder = createLadder(bench); ladder.add({json.dumps(rows)})")
    bench.wait(f"{ARROWS}.length === {len(segments)}")
    arrows = bench.evaluate(ARROWS)
    assert len(arrows) >= 8
    for arrow, (source, flags, seq, ack, length, window, time) in zip(arrows, capture, strict=True):
        assert arrow["from"] == ("server" if source == ADDRESS else "client")
        assert bits(arrow["flags"].split(",")) == int(flags, 16) & 255
        assert (arrow["seq"], arrow["len"], arrow["window"]) == (seq, length, window)
        assert arrow["ack"] == ("" if arrow["flags"] == "SYN" else ack)
        assert float(arrow["time"]) == pytest.approx(float(time), abs=2e-6)
    assert [a["flags"] for a in arrows[:3]] == ["SYN", "SYN,ACK", "ACK"]
    assert (arrows[-1]["clientState"], arrows[-1]["serverState"]) == ("CLOSED", "TIME-WAIT")


def test_trouble_has_a_shape_of_its_own(bench):
    draw(bench, HANDSHAKE + TROUBLE)
    shapes = bench.evaluate("""[...document.querySelectorAll('svg.arrow')].map((arrow) => ({
        shafts: arrow.querySelectorAll('.ladder-shaft').length, points: arrow.querySelectorAll('.ladder-point').length,
        crosses: arrow.querySelectorAll('.ladder-cross').length,
        end: arrow.querySelector('.ladder-shaft').getAttribute('x2') }))""")
    plain = [{"shafts": 1, "points": 1, "crosses": 0, "end": end} for end in ("100%", "0%", "100%", "100%", "0%")]
    assert shapes[:5] == plain
    assert shapes[5] == {"shafts": 2, "points": 1, "crosses": 0, "end": "0%"}
    assert shapes[6] == {"shafts": 1, "points": 0, "crosses": 1, "end": "86%"}
    marks = bench.evaluate("[...document.querySelectorAll('.ladder-row')].map((row) => row.textContent)")
    assert "third ACK" in marks[2] and "retransmission (RTO)" in marks[5] and "dropped: tcp checksum" in marks[6]
    # States stand where they change, and nowhere else.
    assert bench.evaluate("[...document.querySelectorAll('.ladder-state .ladder-long')].map((s) => s.textContent)") == [
        "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "ESTABLISHED"]


def test_rows_are_reached_by_keyboard(bench):
    bench.evaluate("globalThis.looked = []")
    bench.evaluate("globalThis.ladder = createLadder(bench, { onRow: (row) => looked.push(row?.flags ?? null) })")
    bench.evaluate(f"ladder.show(7); ladder.add({json.dumps(HANDSHAKE + TROUBLE)})")
    bench.wait(f"{ARROWS}.length === 7")
    bench.evaluate("document.querySelector('.ladder-caption button').focus()")
    at = "document.activeElement.querySelector('svg')?.dataset.flags"
    bench.press("Tab")
    assert bench.evaluate(at) == "SYN"
    bench.press("ArrowDown")
    assert bench.evaluate(at) == "SYN,ACK"
    known = """Object.fromEntries([...document.querySelectorAll('.ladder-known dl > div')].map((field) =>
        [...field.children].map((child) => child.textContent)))"""
    shown = bench.evaluate(known)
    assert shown["Flags"] == "SYN ACK" and shown["From"] == f"server, {ADDRESS}:80"
    assert shown["Client, after it"] == "ESTABLISHED (inferred)" and shown["Window"] == "65,535 bytes"
    bench.press("End")
    assert bench.evaluate("document.activeElement.querySelector('svg').dataset.drop") == "tcp_checksum"
    assert bench.evaluate(known)["What became of it"] == "dropped: tcp checksum"
    bench.press("Home")
    assert bench.evaluate(known)["On the wire (ISN)"] == "4000000001"
    bench.evaluate("document.querySelector('.ladder-caption button').focus()")
    assert bench.evaluate("looked") == ["SYN", "SYN,ACK", "ACK", "SYN", None]


def test_the_table_has_the_same_rows(bench):
    draw(bench, HANDSHAKE + TROUBLE)
    bench.evaluate("document.querySelector('.ladder-caption button').focus()")
    bench.press("Enter")
    rows = bench.wait("((rows) => rows.length === 7 && rows.map((row) => [...row.cells].map((c) => c.textContent)))"
                      "([...document.querySelectorAll('.ladder-twin tbody tr')])")
    assert rows[0][2:] == ["0.000 ms", "client", "SYN", "0", "1", "0", "65,535", "SYN-SENT", "SYN-RECEIVED",
                           "mss 1460 scale 10 sack ts"]
    assert rows[6][-1] == "dropped: tcp checksum"
    assert bench.evaluate("document.querySelector('.ladder-picture').hidden")


def test_a_flood_of_rows_is_folded_and_lays_out_once_a_frame(bench):
    draw(bench, HANDSHAKE)
    bench.send("Performance.enable")

    def layouts():
        return {m["name"]: m["value"] for m in bench.send("Performance.getMetrics")["metrics"]}["LayoutCount"]

    row = json.dumps(segment(0, "server", "ACK", length=1448))
    bench.wait("document.fonts.status === 'loaded'")
    before = layouts()
    frames = bench.evaluate(f"""new Promise((done) => {{
        let sent = 0, frames = 0;
        const frame = () => {{ frames++; sent < 3000 ? requestAnimationFrame(frame) : done(frames); }};
        const send = () => {{
            for (const end = sent + 25; sent < end; sent++)
                ladder.add([{{ ...{row}, seq: sent, time: 2000 + sent / 1e4 }}]);
            if (sent < 3000)
                setTimeout(send, 5);
        }};
        requestAnimationFrame(frame);
        send();
    }})""")
    bench.wait("document.querySelector('.ladder-fold').textContent === '2,755 rows are folded away; then the latest 240 rows'")
    assert bench.evaluate("document.querySelectorAll('.ladder-row').length") == 248
    arrows = bench.evaluate(ARROWS)
    assert [a["flags"] for a in arrows[:3]] == ["SYN", "SYN,ACK", "ACK"]
    assert [int(a["seq"]) for a in arrows[-240:]] == list(range(2760, 3000))
    # One for the rows and one for what is scrolled, in each frame; the rest is not ours.
    assert layouts() - before <= 2 * frames + 20


def test_a_connection_is_the_same_with_whatever_number(bench):
    """Until the third ACK it has none; what is replayed has another number of the ladder; its end has no address."""
    opening = [{k: v for k, v in row.items() if k != "connection"} for row in HANDSHAKE[:2]]
    later = [{**row, "number": 5} for row in TROUBLE]
    end = {"event": "closed", "time": 1002, "since": 2, "number": 5, "connection": 7, "state": "CLOSED"}
    draw(bench, [*opening, HANDSHAKE[2], *later, end])
    assert bench.evaluate("[...document.querySelectorAll('.ladder-row')].length") == 8
    assert bench.evaluate("[...document.querySelectorAll('.ladder-state .ladder-long')].map((s) => s.textContent)") == [
        "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "ESTABLISHED"]


def test_a_row_without_a_connection_may_come_late(bench):
    early = [{key: value for key, value in row.items() if key != "connection"} for row in HANDSHAKE]
    crossing = {**early[0], "time": 1000.0002, "since": 0.0002, "drop": "tcp_duplicate", "sent_again": True}
    draw(bench, [*early[:2], HANDSHAKE[2], crossing, *TROUBLE])
    assert [row["flags"] for row in bench.wait(f"{ARROWS}.length === 8 && {ARROWS}")][:4] == ["SYN", "SYN,ACK", "ACK", "SYN"]


def test_what_is_left_out_is_said(bench):
    draw(bench, [*HANDSHAKE, {"event": "left_out", "rows": 1234}, *TROUBLE])
    assert bench.evaluate("document.querySelector('.ladder-left-out').textContent").startswith("1,234 rows left out")


def test_what_came_from_the_wire_is_text(bench):
    markup = "<img src=x onerror=alert(1)><b>"
    draw(bench, [*HANDSHAKE, segment(1, "client", "PSH,ACK", length=1, content=f"GET /{markup}"),
                 {**HANDSHAKE[0], "event": "step", "since": 1.1, "time": 1001.1, "note": markup}])
    bench.wait("document.querySelector('.ladder-step') !== null")
    bench.evaluate("document.querySelector('.ladder-step').dispatchEvent(new PointerEvent('pointerover', { bubbles: true }))")
    for place in (".ladder-row:nth-child(4)", ".ladder-step", ".ladder-known"):
        assert markup in bench.evaluate(f"document.querySelector('{place}').textContent")
    assert bench.evaluate("document.querySelectorAll('#bench img').length") == 0


def test_reduced_motion_is_kept_to(bench):
    for wish, name in (("reduce", "none"), ("no-preference", "ladder-new")):
        bench.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": wish}])
        draw(bench, HANDSHAKE)
        assert bench.evaluate("getComputedStyle([...document.querySelectorAll('.ladder-row')].at(-1)).animationName") == name
    bench.send("Emulation.setEmulatedMedia", features=[])


def test_several_connections_are_told_apart(bench):
    other = [{**row, "number": 2, "connection": 8, "client_port": 40001} for row in HANDSHAKE]
    bench.evaluate(f"globalThis.ladder = createLadder(bench); ladder.add({json.dumps(HANDSHAKE + other)})")
    bench.wait(f"{ARROWS}.length === 6")
    assert bench.evaluate("document.querySelectorAll('.ladder-row')[3].textContent").find("#8 0.000 ms") >= 0
    bench.evaluate("ladder.show(8)")
    bench.wait(f"{ARROWS}.length === 3")
    assert bench.evaluate("document.querySelector('.ladder-end.ladder-client').innerText").find("10.77.0.1:40001") >= 0
    bench.evaluate("ladder.clear()")
    bench.wait(f"{ARROWS}.length === 0")


LIT = """Object.fromEntries(['client', 'server'].map((side) =>
    [side, document.querySelector(`.states-state.states-${side}`)?.dataset.state ?? null]))"""
WAYS = "(side) => [...document.querySelectorAll(`.states-${side}-been`)].length"


def test_states_are_lit_and_so_is_the_way(bench):
    bench.evaluate("globalThis.states = createStates(bench)")
    assert bench.evaluate("new Set([...document.querySelectorAll('.states-state')].map((s) => s.dataset.state)).size") == 11
    steps = [("SYN-SENT", "SYN-RECEIVED", 1, 2), ("ESTABLISHED", "SYN-RECEIVED", 2, 2), ("ESTABLISHED", "ESTABLISHED", 2, 3),
             ("CLOSE-WAIT", "FIN-WAIT-1", 3, 4), ("CLOSE-WAIT", "FIN-WAIT-2", 3, 5), ("LAST-ACK", "TIME-WAIT", 4, 6),
             ("CLOSED", "TIME-WAIT", 5, 6)]
    for client, server, of_client, of_server in steps:
        bench.evaluate(f"states.show({{ client: '{client}', server: '{server}', inferred: 'client' }})")
        assert bench.evaluate(LIT) == {"client": client, "server": server}
        assert [bench.evaluate(f"({WAYS})('{side}')") for side in ("client", "server")] == [of_client, of_server]
    label = bench.evaluate("document.querySelector('.states-figure > svg').getAttribute('aria-label')")
    assert label.endswith("Client CLOSED (inferred), Server TIME-WAIT")
    # Somebody looks at what was before; the way is what it was.
    bench.evaluate("states.peek({ client: 'SYN-SENT', server: 'SYN-RECEIVED', inferred: 'client' })")
    assert bench.evaluate(LIT) == {"client": "SYN-SENT", "server": "SYN-RECEIVED"}
    bench.evaluate("states.show({ client: 'CLOSED', server: 'CLOSED', inferred: 'client' })")
    assert bench.evaluate(LIT) == {"client": "SYN-SENT", "server": "SYN-RECEIVED"}
    bench.evaluate("states.peek(null)")
    assert bench.evaluate(LIT) == {"client": "CLOSED", "server": "CLOSED"}
    assert bench.evaluate("document.querySelectorAll('.states-state')[11].classList.contains('states-client')")
    assert [bench.evaluate(f"({WAYS})('{side}')") for side in ("client", "server")] == [5, 7]
    bench.evaluate("states.clear()")
    assert bench.evaluate(LIT) == {"client": None, "server": None}
    assert [bench.evaluate(f"({WAYS})('{side}')") for side in ("client", "server")] == [0, 0]


FAKE = """globalThis.sockets = [];
globalThis.WebSocket = class {
    static OPEN = 1;
    readyState = 0;
    asked = [];
    constructor(url) { this.url = String(url); sockets.push(this); }
    send(text) { this.asked.push(text); }
    open() { this.readyState = 1; this.onopen(); }
    tell(rows) { this.onmessage({ data: JSON.stringify(rows) }); }
    close() { this.readyState = 3; }
    lose(code) { this.readyState = 3; this.onclose({ code }); }
}"""


def test_a_feed_comes_back_and_tells_nothing_twice(bench):
    bench.evaluate(FAKE)
    bench.evaluate("globalThis.got = []; globalThis.said = [];"
                   "globalThis.feed = openFeed({ watch: [7], samples: 100, onRows: (rows) => got.push(...rows),"
                   " onState: (state) => said.push(state) })")
    bench.evaluate(f"sockets[0].open(); sockets[0].tell({json.dumps(HANDSHAKE)}); sockets[0].onmessage({{ data: 'nonsense' }});"
                   "sockets[0].onmessage({ data: '{}' }); sockets[0].lose(1006)")
    assert bench.evaluate("sockets[0].url") == f"ws://{ADDRESS}/.taphouse/events"
    assert json.loads(bench.evaluate("sockets[0].asked[0]")) == {"watch": [7], "samples": 100}
    bench.wait("sockets.length === 2")
    replay = [{**row, "replayed": True} for row in HANDSHAKE + TROUBLE[:2]]
    bench.evaluate(f"sockets[1].open(); sockets[1].tell({json.dumps(replay)}); sockets[1].tell({json.dumps(TROUBLE[2:])})")
    # What is asked for anew is told anew, with another number, behind what came meanwhile; twice the same at one time stays.
    more = [segment(0.4, "client", "ACK", seq=93, ack=1449)] * 2
    bench.evaluate(f"feed.watch([7]); sockets[1].tell({json.dumps(more)});"
                   f"sockets[1].tell({json.dumps([{**row, 'number': 2, 'replayed': True} for row in HANDSHAKE + TROUBLE + more])})")
    more += [segment(0.5, "client", "ACK", seq=93, ack=1449, number=2, replayed=True)] * 2
    bench.evaluate(f"sockets[1].tell({json.dumps(more[2:])})")
    told = [row["since"] for row in HANDSHAKE + TROUBLE + more]
    assert bench.evaluate("got.map((row) => row.since)") == told
    assert bench.evaluate("feed.rows(7).map((row) => row.since)") == told
    assert bench.evaluate("feed.rows(8).length") == 0
    bench.evaluate("feed.watch([7, 8])")
    assert json.loads(bench.evaluate("sockets[1].asked.at(-1)")) == {"watch": [7, 8]}
    # What may not be seen is not asked for again and again; something else is.
    bench.evaluate("sockets[1].lose(1008); feed.watch('mine')")
    bench.wait("sockets.length === 3")
    assert bench.evaluate("said") == ["connecting", "open", "closed", "connecting", "open", "refused", "connecting"]
    bench.evaluate("feed.close()")


def test_a_feed_remembers_no_more_than_it_may(bench):
    bench.evaluate(FAKE)
    rows = bench.evaluate(f"""(() => {{
        globalThis.feed = openFeed();
        sockets[0].open();
        for (let n = 1; n <= 1000; n++)
            sockets[0].tell(Array.from({{ length: 20 }}, (_, i) =>
                ({{ ...{json.dumps(HANDSHAKE[0])}, number: n, connection: n, time: n + i / 100 }})));
        return [1, 750, 751, 1000].map((n) => feed.rows(n).length);
    }})()""")
    assert rows == [0, 0, 20, 20]


def test_a_feed_without_websocket_says_so(bench):
    bench.evaluate("delete globalThis.WebSocket; globalThis.said = [];"
                   "openFeed({ onState: (state) => said.push(state) }).watch([1])")
    assert bench.evaluate("said") == ["absent"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1920, 360])
def test_accessible_and_looked_at(bench, tmp_path, width, scheme):
    draw(bench, HANDSHAKE + TROUBLE, {"label": "A bad wire"})
    bench.evaluate("createStates(bench).show({ client: 'ESTABLISHED', server: 'SYN-RECEIVED', inferred: 'client' })")
    bench.wait("document.getAnimations().length === 0")
    bench.look(screenshots(tmp_path) / f"ladder-{width}-{scheme}.png", width, scheme)
    assert bench.evaluate("document.documentElement.scrollWidth") <= width
    cut = bench.evaluate("[...document.querySelectorAll('.ladder-state, .ladder-since, .ladder-says')]"
                         ".filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.textContent)")
    assert cut == []
    bench.evaluate((npm_package("axe-core", AXE) / "axe.min.js").read_text() + "; null")
    found = bench.evaluate("axe.run(document.getElementById('bench')).then(({ violations }) => "
                           "violations.map((v) => [v.id, v.nodes.map((node) => node.html)]))")
    assert found == []
