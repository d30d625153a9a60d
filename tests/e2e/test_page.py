"""The default site in a real browser: it loads over our TCP, says nothing on the console, and fits narrow and wide screens."""

import re
import shutil

import pytest
from conftest import ADDRESS, ROOT, screenshots

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
