"""Lighthouse on the default site, over our own TCP and TLS: 100 in performance, accessibility, best practices and SEO.

Lighthouse comes by npm, into obj/lighthouse of the build, the first time that this runs; without npm, or where npm reaches
no registry, the tests are skipped. Best practices wants https, and that plain HTTP leads there, so the site is served so,
with a certificate that Chromium is told to take although nobody vouches for it.
"""

import json
import os
import pathlib
import shutil

import pytest
from conftest import ADDRESS, ROOT, npm_package

VERSION = "12.8.2"
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
URL = f"https://{ADDRESS}/"
CHROMIUM = "--headless=new --no-sandbox --disable-gpu --ignore-certificate-errors"


@pytest.fixture(scope="session")
def lighthouse():
    """The program, installed if need be."""
    return npm_package("lighthouse", VERSION).parent / ".bin" / "lighthouse"


def failures(report, category):
    """What cost the category points."""
    audits = report["audits"]
    return [f'{ref["id"]}: {audits[ref["id"]]["title"]} ({audits[ref["id"]].get("displayValue", "")})'
            for ref in report["categories"][category]["auditRefs"]
            if ref["weight"] > 0 and audits[ref["id"]]["score"] not in (1, None)]


@pytest.mark.parametrize("form", ["mobile", "desktop"])
def test_default_site_scores_100(serve, namespace, lighthouse, tmp_path, form):
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "chromium is missing: configure --install-deps installs it"
    config = tmp_path / "t.conf"
    config.write_text(f'site "default" {{ root = "{ROOT}/www" listen_tls = 443 self_signed = true https_redirect = true }}\n')
    serve("--config", config, directory=None)
    where = pathlib.Path(os.environ.get("LIGHTHOUSE_REPORTS", tmp_path)) / f"lighthouse-{form}.json"
    scores = {}
    for _ in range(3):  # performance is of this machine too, which may be busy
        namespace.run("env", f"CHROME_PATH={chromium}", f"HOME={tmp_path}", lighthouse, URL, "--quiet",
                      "--output=json", f"--output-path={where}", f"--only-categories={','.join(CATEGORIES)}",
                      f"--chrome-flags={CHROMIUM}", *(["--preset=desktop"] if form == "desktop" else []),
                      timeout=180)
        report = json.loads(where.read_text())
        assert report["finalDisplayedUrl"] == URL
        scores = {category: round(100 * report["categories"][category]["score"]) for category in CATEGORIES}
        print(f"Lighthouse {report['lighthouseVersion']}, {form}: {scores}")
        if set(scores.values()) == {100}:
            return
    pytest.fail(f"{scores}: {[line for category in CATEGORIES for line in failures(report, category)]}")
