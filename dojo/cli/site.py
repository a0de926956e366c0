"""`dojo serve`: the site, which is a Streamlit app in a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from . import common
from .common import CourseOption

LOOPBACK = {"127.0.0.1", "::1", "localhost"}
FIRST_PORT = 8501
PATIENCE = 60  # seconds in which the site must answer before the browser is opened


def add_to(app: typer.Typer) -> None:
    app.command(rich_help_panel="Run")(serve)


def serve(
    port: Annotated[
        int | None, typer.Option("--port", "-p", min=1, max=65535, help="Default: the first free one from 8501.")
    ] = None,
    host: Annotated[str, typer.Option("--host", help="0.0.0.0 lets other machines in.")] = "127.0.0.1",
    cohort: Annotated[
        bool, typer.Option("--cohort", help="For many learners, each with a progress of their own.")
    ] = False,
    weak_isolation: Annotated[
        bool, typer.Option("--weak-isolation", help="Serve others although this machine cannot lock their code in.")
    ] = False,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the site in your browser.")] = True,
    headless: Annotated[bool, typer.Option("--headless", help="The same as --no-browser.")] = False,
    course: CourseOption = None,
) -> None:
    """Start the site. Stop it with Ctrl-C.

    Examples: dojo serve · dojo serve --port 8600 --no-browser · dojo serve --cohort --host 0.0.0.0
    """
    opened = common.open_course(course)
    app_file = find_site()
    chosen = free_port(host) if port is None else port
    if chosen is None or not is_free(host, chosen):
        common.fail(
            f"Port {chosen or FIRST_PORT} of {host} cannot be used (it is taken, or not yours): dojo serve --port 8600"
        )
    if (cohort or host not in LOOPBACK) and not weak_isolation:
        refuse_weak_isolation(opened.root)
    environment = os.environ | {"DOJO_COURSE": str(opened.root), "DOJO_COHORT": "1" if cohort else ""}
    shown = "localhost" if host in {"127.0.0.1", "0.0.0.0", "::"} else host
    address = f"http://{shown}:{chosen}"
    site = subprocess.Popen(streamlit_command(app_file, host, chosen), env=environment)
    Console(highlight=False).print(f"The dojo is at [bold]{address}[/]  (stop it with Ctrl-C)")
    if browser and not headless:
        threading.Thread(target=open_when_ready, args=(address, host, chosen, site), daemon=True).start()
    raise typer.Exit(wait(site))


def refuse_weak_isolation(course_root: Path) -> None:
    """Others' code runs here only where attempts to break out of the sandbox have just failed."""
    from dojo.grading.doctor import sandbox_report

    with Console(stderr=True).status("Testing the sandbox…"):
        weak = [f"{check.name} {check.detail}" for check in sandbox_report(course_root) if check.ok is False]
    if weak:
        common.fail(
            f"This machine cannot lock learners' code in ({'; '.join(weak)}), so others are not let in. `dojo doctor` says "
            "more. To serve people whom you trust with this machine: --weak-isolation"
        )


def find_site() -> Path:
    """The site's app.py, of the checkout or of the wheel."""
    package = Path(__file__).resolve().parent.parent
    for folder in (package.parent / "streamlit_app", package / "_site"):
        if (folder / "app.py").is_file():
            return folder / "app.py"
    common.fail("The site is not part of this installation: pip install --force-reinstall mechinterp-dojo")


def streamlit_command(app_file: Path, host: str, port: int) -> list[str]:
    """`headless` also keeps Streamlit from asking for an email address on its first start."""
    options = {
        "server.port": port,
        "server.address": host,
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "server.showEmailPrompt": "false",
        "browser.gatherUsageStats": "false",
        "client.toolbarMode": "minimal",
    }
    given = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", "streamlit", "run", str(app_file), *given]


def is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, UnicodeError):
            return False
    return True


def free_port(host: str) -> int | None:
    return next((port for port in range(FIRST_PORT, FIRST_PORT + 50) if is_free(host, port)), None)


def open_when_ready(address: str, host: str, port: int, site: subprocess.Popen) -> None:
    import webbrowser

    target = "127.0.0.1" if host in {"0.0.0.0", "::"} else host
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and site.poll() is None:
        try:
            socket.create_connection((target, port), timeout=1).close()
        except OSError:
            time.sleep(0.2)
        else:
            webbrowser.open(address)
            return


def wait(site: subprocess.Popen) -> int:
    """Until the site ends, or Ctrl-C, or a service manager's SIGTERM; then the site is given time to close its graders."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        code = site.wait()
        return common.OK if code == 0 else common.NOT_PASSED
    except KeyboardInterrupt:
        site.terminate()
        try:
            site.wait(10)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            site.kill()
            site.wait()
        return common.OK
