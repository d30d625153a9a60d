"""The default site in a real browser: it loads over our TCP, says nothing on the console, and fits narrow and wide screens."""

import re
import shutil
import subprocess

import pytest
from conftest import ADDRESS, ROOT, TAPHOUSE, screenshots

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--enable-logging=stderr",
         "--virtual-time-budget=5000"]


@pytest.fixture
def browser(namespace, tmp_path):
    """browser(*flags) runs Chromium inside the namespace; returns what it printed and what it logged."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    assert program, "chromium is missing: configure --install-deps installs it"

    def run(*flags):
        answer = namespace.run("timeout", "60", program, *FLAGS, f"--user-data-dir={tmp_path}/profile", *flags, check=False,
                               timeout=90)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout, answer.stderr

    return run


def test_page_loads_without_a_console_message(serve, browser):
    serve(directory=ROOT / "www")
    page, log = browser("--dump-dom", f"http://{ADDRESS}/")
    assert "CONSOLE" not in log, [line for line in log.splitlines() if "CONSOLE" in line]
    assert "<h1" in page


def test_page_shows_what_the_browser_measured(serve, browser):
    serve(directory=ROOT / "www")
    page, _ = browser("--dump-dom", f"http://{ADDRESS}/")
    size = (ROOT / "www" / "index.html").stat().st_size
    assert f"{size:,} bytes" in re.sub(r"<[^>]+>", "", page)
    assert "http/1.1" in page


DRIVE = """
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
addEventListener('load', async () => {
	await wait(100);
	for (const button of document.querySelectorAll('#both button, .tries button')) {
		button.click();
		while (button.disabled || !button.closest('.act').querySelector('[role=status]').textContent.replace('…', ''))
			await wait(20);
	}
	document.body.dataset.driven = 'yes';
});
"""


@pytest.fixture
def demo(tmp_path, serve):
    """The site of make run, with a script that presses the buttons of its page on GET and POST, under a strict policy."""
    (tmp_path / "uploads").mkdir()
    www = tmp_path / "www"
    shutil.copytree(ROOT / "www", www)
    page = (www / "get-post.html").read_text()
    policy = '<meta http-equiv="Content-Security-Policy" content="default-src \'self\'">'
    (www / "get-post.html").write_text(page.replace("</head>", f'{policy}<script src="drive.js" defer></script></head>'))
    (www / "drive.js").write_text(DRIVE)
    config = tmp_path / "demo.conf"
    config.write_text((ROOT / "conf" / "demo" / "taphouse.conf").read_text().replace("../../www", str(www)))
    subprocess.run([TAPHOUSE, "check", config], check=True)
    return serve("--config", config, directory=www)


def test_get_and_post_are_shown_as_they_arrived(demo, browser):
    page, log = browser("--dump-dom", f"http://{ADDRESS}/get-post.html")
    text = re.sub(r"<[^>]+>", "", page).replace("&amp;", "&")
    assert 'data-driven="yes"' in page
    assert "GET /echo?name=Ann&words=two+pints+%26+a+half HTTP/1.1\n\n(no body)" in text
    assert "POST /echo HTTP/1.1\n" in text and "\n\nname=Ann&words=two+pints+%26+a+half" in text
    assert text.count("200 OK, no-store") == 2
    by_button = re.findall(r">((?:GET|POST|Send)[^<]*)</button> <span role=\"status\">([^<]*)", page)
    assert by_button[2:5] == [("GET, 9,000 characters", "414 URI Too Long"), ("POST, 9,000 characters", "200 OK"),
                              ("POST, 3 MB", "413 Content Too Large")]
    assert by_button[5][1].startswith("304: ") and by_button[6][1].endswith(" came, the whole of it")
    demo.stop()
    assert '"GET /get-post.html HTTP/1.1" 304' in demo.output()
    assert "CONSOLE" not in log, [line for line in log.splitlines() if "CONSOLE" in line]


def test_what_the_demo_takes_is_kept(demo, namespace, tmp_path):
    assert "Thank you" in namespace.curl("-d", "name=Ann&message=hello&website=", f"http://{ADDRESS}/contact").stdout
    assert '"fields":{"name":"Ann","message":"hello"}' in (tmp_path / "contact.jsonl").read_text()
    assert "hello.txt" in namespace.curl("-F", f"file=@{tmp_path}/site/hello.txt", f"http://{ADDRESS}/upload").stdout
    assert (tmp_path / "uploads" / "hello.txt").read_text() == "hello\n"


@pytest.mark.parametrize("page", ["", "get-post.html", "websocket.html"])
@pytest.mark.parametrize("name, width, height, scheme", [
    ("wide-light", 1440, 2400, 1), ("wide-dark", 1440, 2400, 0), ("narrow-light", 400, 2400, 1), ("narrow-dark", 400, 2400, 0)])
def test_screenshots(serve, browser, tmp_path, page, name, width, height, scheme):
    serve(directory=ROOT / "www")
    picture = screenshots(tmp_path) / f"default-site-{page.partition('.')[0]}-{name}.png"
    browser(f"--window-size={width},{height}", f"--blink-settings=preferredColorScheme={scheme}",
            f"--screenshot={picture}", f"http://{ADDRESS}/{page}")
    assert picture.read_bytes()[:4] == b"\x89PNG"
    assert picture.stat().st_size > 30000  # an empty page is far smaller
