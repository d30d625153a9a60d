"""The metrics, read by promtool and scraped by a Prometheus; the dashboard and docs/metrics.md, which name them."""

import json
import re
import time
import urllib.parse

import pytest
from conftest import ADDRESS, ROOT

URL = f"http://{ADDRESS}"
STATUS = f"{URL}/.taphouse"
DASHBOARD = ROOT / "conf" / "grafana-dashboard.json"

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"'
VALUE = r"\d+(?:\.\d+)?"
SUFFIXES = {"counter": ("",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}


@pytest.fixture
def busy(tmp_path, site, serve, namespace):
    """A server of two ports, one with TLS, that has had some of everything: its metrics."""
    file = tmp_path / "t.conf"
    file.write_text('tcp { congestion = "cubic" }\n'
                    f'site "e2e" {{ root = "{site}" listen_tls = 443 self_signed = true\n'
                    '\tlocation "/.taphouse/" { status = true } }\n')
    serve("--config", file, directory=None)
    namespace.curl("-f", "-o", "/dev/null", f"{URL}/1m.bin?[1-5]")
    namespace.curl("-o", "/dev/null", f"{URL}/nothing")
    namespace.curl("-f", "-k", "-o", "/dev/null", f"https://{ADDRESS}/hello.txt")
    namespace.curl("-o", "/dev/null", f"{URL}:81/", check=False)  # nobody listens
    return namespace.curl("-f", f"{STATUS}/metrics").stdout


def parse(text):
    """The text format 0.0.4, strictly: HELP, TYPE, then this metric's samples, and no metric twice."""
    types, samples, current = {}, {}, None
    assert text.endswith("\n")
    for line in text.splitlines():
        if line.startswith("# HELP "):
            current = re.fullmatch(rf"# HELP ({NAME}) (\S.*)", line)[1]
            assert current not in types, f"{current} is told twice"
        elif line.startswith("# TYPE "):
            name, kind = re.fullmatch(rf"# TYPE ({NAME}) (counter|gauge|histogram)", line).groups()
            assert name == current and name not in types
            assert (kind == "counter") == name.endswith("_total"), name
            types[name] = kind
        else:
            name, labels, value = re.fullmatch(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? ({VALUE})", line).groups()
            assert name in [current + suffix for suffix in SUFFIXES[types[current]]], line
            assert (name, labels) not in samples, f"{line} comes twice"
            samples[name, labels] = float(value)
    assert all(any(name.startswith(family) for name, _ in samples) for family in types)
    return types, samples


def test_metrics_are_well_formed_and_agree_with_status(busy, namespace):
    _, samples = parse(busy)
    status = json.loads(namespace.curl("-f", f"{STATUS}/status.json").stdout)
    (plain,) = [port for port in status["http"] if port["port"] == 80]
    assert samples["taphouse_build_info", f'version="{status["version"]}"'] == 1
    assert abs(samples["taphouse_start_time_seconds", None] + status["uptime_seconds"] - time.time()) < 5
    assert samples["taphouse_tcp_passive_opens_total", None] == status["tcp"]["PassiveOpens"] - 1
    assert samples["taphouse_tcp_out_bytes_total", None] <= status["tcp"]["TCPOutBytes"]
    assert samples["taphouse_tcp_connections", None] == 1
    assert samples["taphouse_http_requests_total", 'port="80"'] == plain["requests"] - 1 == 6
    assert samples["taphouse_http_responses_total", 'port="80",class="2xx"'] == 5
    assert samples["taphouse_tls_handshakes_total", 'kind="full"'] == 1
    reasons = {labels for name, labels in samples if name == "taphouse_drops_total"}
    assert reasons == {f'reason="{name}"' for name in status["drops"]}
    pools = {labels for name, labels in samples if name == "taphouse_pool_in_use"}
    expected = {f'pool="{name}"' for name in status["pools"]}
    expected |= {f'pool="{name}",port="{port["port"]}"' for port in status["http"] for name in port["pools"]}
    assert pools == expected


HISTOGRAMS = {  # how many of them there must be after what `busy` has done; None: as many as it took
    ("http_request_duration_seconds", 'port="80"'): 6,
    ("http_request_duration_seconds", 'port="443"'): 1,
    ("tcp_handshake_duration_seconds", ""): 4,
    ("tls_handshake_duration_seconds", 'kind="full"'): 1,
    ("tls_handshake_duration_seconds", 'kind="resumed"'): 0,
    ("tcp_rtt_seconds", ""): None,
}


def test_histograms_are_cumulative_and_end_in_their_count(busy):
    types, samples = parse(busy)
    assert {name for name, kind in types.items() if kind == "histogram"} == {f"taphouse_{name}" for name, _ in HISTOGRAMS}
    for (name, labels), expected in HISTOGRAMS.items():
        own = re.compile(re.escape(labels) + (",le=" if labels else "le=") + r'"([^"]+)"')
        buckets = [(float(found[1]), value) for (sample, label), value in samples.items()
                   if sample == f"taphouse_{name}_bucket" and (found := own.fullmatch(label))]
        bounds, values = zip(*buckets)
        assert bounds == (*(2**k / 1e6 for k in range(4, 27)), float("inf"))
        assert list(values) == sorted(values)
        count, total = (samples[f"taphouse_{name}_{end}", labels or None] for end in ("count", "sum"))
        assert values[-1] == count
        assert count == expected if expected is not None else count > 4
        assert total <= sum(min(bound, 100) * (value - before) for bound, value, before in
                            zip(bounds, values, (0, *values)))


def test_promtool_has_nothing_to_complain_of(busy, namespace):
    answer = namespace.run("promtool", "check", "metrics", input=busy, check=False)
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")


# ---- the dashboard ----

def expressions():
    """What the dashboard asks for, with Grafana's variables filled in."""
    dashboard = json.loads(DASHBOARD.read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"].replace("$__rate_interval", "1m").replace("$instance", ".*")


def test_dashboard_has_the_form_that_grafana_imports():
    dashboard = json.loads(DASHBOARD.read_text())
    assert dashboard["title"] and dashboard["uid"] and dashboard["schemaVersion"] >= 36
    variables = {variable["name"] for variable in dashboard["templating"]["list"]}
    taken, ids = set(), set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert place["x"] + place["w"] <= 24 and not cells & taken, f"{panel['title']} lies over another"
        taken |= cells
        assert panel["id"] not in ids and panel["title"] and panel["type"] in ("row", "stat", "timeseries", "heatmap")
        ids.add(panel["id"])
        if panel["type"] != "row":
            assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
            assert panel["description"] and panel["fieldConfig"]["defaults"] is not None and panel["targets"]
        letters = [target["refId"] for target in panel.get("targets", [])]
        assert len(letters) == len(set(letters))
    used = set(re.findall(r"\$\{?(\w+)", DASHBOARD.read_text())) - {"__rate_interval"}
    assert used == variables


def test_dashboard_and_docs_name_metrics_that_there_are(busy):
    types, samples = parse(busy)
    there = {name for name, _ in samples} | types.keys()
    for title, expression in expressions():
        names = re.findall(r"taphouse_\w+", expression)
        assert names and set(names) <= there, f"{title}: {set(names) - there}"
    whole = re.findall(r"\btaphouse_\w+\b(?![…*])", (ROOT / "docs" / "metrics.md").read_text())
    assert {name for name in whole if not name.endswith("_")} <= there


def test_promtool_takes_the_expressions(tmp_path, namespace):
    rules = [{"record": f"dashboard:panel:{number}", "expr": expression} for number, (_, expression) in enumerate(expressions())]
    file = tmp_path / "rules.yml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))  # JSON is YAML
    answer = namespace.run("promtool", "check", "rules", file, check=False)
    assert answer.returncode == 0 and f"{len(rules)} rules found" in answer.stdout, answer.stdout + answer.stderr


# ---- docs/metrics.md, and Prometheus itself ----

@pytest.fixture
def documented(tmp_path, namespace):
    """The configuration that docs/metrics.md shows."""
    (snippet,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "metrics.md").read_text(), re.S)
    file = tmp_path / "prometheus.yml"
    file.write_text(snippet)
    answer = namespace.run("promtool", "check", "config", file, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return file


@pytest.fixture
def prometheus(documented, tmp_path, namespace, busy):
    """A Prometheus that has scraped the server twice, as the docs say but more often: ask(path, **query)."""
    documented.write_text("global: {scrape_interval: 500ms, scrape_timeout: 500ms}\n" + documented.read_text())
    with open(tmp_path / "prometheus.log", "wb") as log:
        process = namespace.start("prometheus", f"--config.file={documented}", f"--storage.tsdb.path={tmp_path}/tsdb",
                                  "--web.listen-address=127.0.0.1:9090", stdout=log, stderr=log)

    def ask(path, **query):
        url = f"http://127.0.0.1:9090/api/v1/{path}?{urllib.parse.urlencode(query)}"
        answer = namespace.curl("--retry", "40", "--retry-connrefused", "--retry-delay", "1", url)
        return json.loads(answer.stdout)

    def scrapes():
        result = ask("query", query="count_over_time(up[1m])").get("data", {}).get("result", [])
        return int(result[0]["value"][1]) if result else 0

    try:
        deadline = time.monotonic() + 50
        while scrapes() < 3:
            assert time.monotonic() < deadline, (tmp_path / "prometheus.log").read_text()
            time.sleep(0.2)
        yield ask
    finally:
        process.terminate()
        process.wait(20)


def test_prometheus_scrapes_and_the_dashboard_has_something_to_show(prometheus):
    (target,) = prometheus("targets")["data"]["activeTargets"]
    assert target["health"] == "up" and not target["lastError"]
    empty = []
    for title, expression in expressions():
        answer = prometheus("query", query=expression)
        assert answer["status"] == "success", f"{title}: {answer}"
        if not answer["data"]["result"]:
            empty.append(title)
    assert empty in ([], ["Dropped"])  # nothing has been dropped between two scrapes
