"""A real site on a free port, and what the tests do on its pages."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[2]
CHAPTER = "/chapter?chapter=transformer_from_scratch"
EXERCISE = f"{CHAPTER}&exercise=attention_pattern"

# The contrast (WCAG 2) of each visible piece of text with what is painted behind it.
CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255]; };
  const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
  const light = (c) => { const f = c.slice(0, 3).map((v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * f[0] + 0.7152 * f[1] + 0.0722 * f[2]; };
  const parent = (node) => node.parentElement ?? node.getRootNode().host;
  const ground = (node) => { const layers = [];
    for (let n = node; n; n = parent(n)) layers.push(rgba(getComputedStyle(n).backgroundColor));
    return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255, 1]); };
  const poor = [];
  const look = (root) => { for (const node of root.querySelectorAll("*")) {
    if (node.shadowRoot) look(node.shadowRoot);
    const text = [...node.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data.trim()).join(" ").trim();
    const box = node.getBoundingClientRect(), style = getComputedStyle(node);
    if (!text || box.width < 2 || box.height < 2 || style.visibility === "hidden") continue;
    if (node.closest("details:not([open])") && !node.closest("summary")) continue;
    if (node.closest("svg, .katex, iframe, [disabled]") || style.clip !== "auto" || style.clipPath !== "none") continue;
    const back = ground(node); let fore = rgba(style.color);
    for (let n = node; n; n = parent(n)) fore[3] *= Number(getComputedStyle(n).opacity);
    if (fore[3] < 0.05) continue;
    const [a, b] = [light(over(fore, back)), light(back)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 3.9) poor.push([ratio.toFixed(2), node.tagName, node.className?.toString().slice(0, 40), text.slice(0, 40)]);
  } };
  look(document);
  return poor;
}"""


class Site:
    """One server with a progress database of its own."""

    def __init__(self, home: Path, **environment: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.home, self.url = home, f"http://127.0.0.1:{self.port}"
        self.environment = {
            **os.environ, "DOJO_HOME": str(home), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **environment,
        }  # fmt: skip
        self.environment.pop("DOJO_DATABASE_URL", None)

    def start(self) -> Site:
        app = str(ROOT / "streamlit_app" / "app.py")
        flags = ["--server.port", str(self.port), "--server.address", "127.0.0.1", "--server.headless", "true"]
        self.log = open(self.home / "site.log", "ab")  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", app, *flags],
            env=self.environment, cwd=self.home, stdout=self.log, stderr=self.log,
        )  # fmt: skip
        for _ in range(900):
            try:
                with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=1):
                    return self
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(f"the site did not start: {(self.home / 'site.log').read_text()}")

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()
        self.log.close()

    def draft(self, exercise: str = "attention_pattern") -> str | None:
        """What the database holds, read from outside the server."""
        from dojo.progress import Store

        store = Store(f"sqlite:///{self.home}/progress.db")
        try:
            return store.draft(store.learner(), "transformer_from_scratch", exercise)
        finally:
            store.close()


def open_page(context, address: str, ready: str = ".cm-content"):
    page = context.new_page()
    page.on("websocket", lambda ws: context.pages and _only_local(ws.url))
    page.goto(address)
    page.locator(ready).first.wait_for()
    return page


def _only_local(url: str) -> None:
    assert urlsplit(url).hostname == "127.0.0.1", url


def write(page, text: str) -> None:
    """Replace all of the editor's text."""
    page.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.keyboard.insert_text(text)


def editor_text(page) -> str:
    return "\n".join(page.locator(".cm-content .cm-line").all_inner_texts())


def saved(page) -> None:
    page.locator(".status", has_text="Saved").filter(has_not_text="Not").wait_for()


def settled(page) -> None:
    """Nothing runs any more: what Streamlit had greyed out while it ran is itself again."""
    page.wait_for_timeout(1000)
    page.locator('[data-testid=stApp][data-test-script-state="notRunning"]').wait_for()
    page.wait_for_timeout(1000)
