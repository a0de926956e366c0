"""A real Chromium, and a record of every address that a page asks for."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from driving import Site

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("home")).start()
    yield site
    site.stop()


@pytest.fixture
def own_site(tmp_path):
    """A server that the test may kill; nobody has been there before."""
    site = Site(tmp_path).start()
    yield site
    site.stop()


@pytest.fixture(scope="session")
def chromium():
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium):
    """visit(width=1280, scheme="light"): a fresh browser. At the end every address that any of them asked for is looked at."""
    contexts, asked, errors = [], [], []

    def new(width: int = 1280, scheme: str = "light", **more):
        phone = {"is_mobile": True, "has_touch": True} if width < 600 else {}
        size = {"width": width, "height": 844 if width < 600 else 1000}
        context = chromium.new_context(viewport=size, color_scheme=scheme, **phone, **more)
        context.set_default_timeout(90_000)
        context.on("request", lambda request: asked.append(request.url))
        context.on("weberror", lambda error: errors.append(str(error.error)))
        contexts.append(context)
        return context

    new.asked, new.errors = asked, errors
    yield new
    for context in contexts:
        context.close()
    foreign = {
        u for u in asked if urlsplit(u).scheme not in ("data", "blob", "about") and urlsplit(u).hostname != "127.0.0.1"
    }
    assert not foreign, f"the page asked other hosts: {foreign}"
    assert not errors, errors
