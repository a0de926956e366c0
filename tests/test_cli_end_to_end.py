"""The commands as a person runs them: real processes, real graders and sandbox, a terminal, Ctrl-C."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="checking a file needs fork")]

COURSE = Path(__file__).parent / "course_example"
RIGHT = (COURSE / "solutions" / "small_steps.py").read_text()
TOTAL_ONLY = RIGHT.replace("return math.fsum(values) / len(values)", "return math.fsum(values)")


@pytest.fixture(autouse=True)
def surroundings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOJO_COURSE", str(COURSE))
    monkeypatch.setenv("DOJO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.delenv("DOJO_DATABASE_URL", raising=False)


def dojo(*arguments: str, code: int = 0) -> str:
    command = [sys.executable, "-m", "dojo.cli", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout + done.stderr


def children_of(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True).stdout
    return [int(child) for child in listed.split()]


def wait_until_gone(pids: list[int]) -> None:
    deadline = time.monotonic() + 15
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < deadline, [pid for pid in pids if Path(f"/proc/{pid}").exists()]
        time.sleep(0.1)


def test_check_of_a_right_a_wrong_and_an_unwritten_file():
    Path("right.py").write_text(RIGHT)
    assert "3 of 3 passed." in dojo("check", "right.py")
    Path("wrong.py").write_text(TOTAL_ONLY)
    told = dojo("check", "wrong.py", "mean", code=1)
    assert "You return the total: divide it by the number of values." in told and "Same inputs again: --seed " in told
    dojo("start", "small_steps", "-o", "mine.py")
    assert "not written yet" in dojo("check", "mine.py", code=1)


def test_check_of_the_generated_notebooks():
    (chapter,) = (COURSE / "chapters").glob("*/solutions.ipynb")
    assert "3 of 3 passed." in dojo("check", str(chapter))
    assert "not written yet" in dojo("check", str(chapter.with_name("exercises.ipynb")), code=1)


def test_grading_a_folder_with_hostile_submissions():
    folder = Path("handed-in")
    folder.mkdir()
    hostile = {
        "exit.py": "import os\nos._exit(0)\n",
        "raise.py": "raise SystemExit(0)\n",
        "memory.py": RIGHT + "\nx = bytearray(2**40)\n",
        "notebook.ipynb": "[" * 100_000,
        "binary.py": "\0" * 1000,
        "import.py": "import a_package_that_is_not_there\n" + RIGHT,
        "verdict.py": RIGHT.replace("return math.fsum", "print('passed' * 100_000); return 0 * math.fsum"),
    }
    for name, text in hostile.items():
        (folder / name).write_text(text)
    for number in range(6):
        (folder / f"right{number}.py").write_text(RIGHT)
        (folder / f"wrong{number}.py").write_text(TOTAL_ONLY)
    told = dojo("grade", str(folder), "--out", "out")
    with open("out/results.csv", newline="") as file:
        rows = {row["submission"]: row for row in csv.DictReader(file)}
    assert len(rows) == len(hostile) + 12
    for number in range(6):
        assert rows[f"right{number}.py"]["total"] == "1.0", rows
        assert float(rows[f"wrong{number}.py"]["mean"]) < 1 and rows[f"wrong{number}.py"]["Total"] == "1.0"
    for name in ("exit.py", "raise.py", "notebook.ipynb", "binary.py"):
        assert rows[name]["total"] == "0.0", rows[name]
    assert float(rows["verdict.py"]["mean"]) < 1
    assert len(json.loads(Path("out/results.json").read_text())) == len(rows)
    assert "6 × You return the total" in told.replace("\n", " ")


def test_ctrl_c_while_grading_keeps_what_is_done_and_leaves_no_process():
    folder = Path("handed-in")
    folder.mkdir()
    for number in range(30):
        (folder / f"{number:02}.py").write_text(RIGHT + "\nimport time\ntime.sleep(0.3)\n")
    command = [sys.executable, "-m", "dojo.cli", "grade", str(folder), "-j", "2"]
    grading = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=hear_ctrl_c,
    )
    journal = Path("results.jsonl")
    deadline = time.monotonic() + 120
    while not (journal.exists() and journal.read_bytes().count(b"\n") >= 3):
        assert time.monotonic() < deadline and grading.poll() is None
        time.sleep(0.1)
    children = children_of(grading.pid)
    os.killpg(grading.pid, signal.SIGINT)  # as a terminal does it
    told = grading.communicate(timeout=30)[0]
    assert grading.returncode == 130 and "go on with --resume" in told and "Traceback" not in told, told
    wait_until_gone(children)
    with open("results.csv", newline="") as file:
        done = len(list(csv.DictReader(file)))
    assert 3 <= done < 30
    for path in list(folder.iterdir())[:-4]:
        path.unlink()
    dojo("grade", str(folder), "--resume")


def hear_ctrl_c() -> None:
    """In a child: Ctrl-C arrives, although whoever started these tests in the background may have switched it off."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, *arguments: str) -> None:
        import pty

        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            hear_ctrl_c()
            os.execv(sys.executable, [sys.executable, "-m", "dojo.cli", *arguments])
        self.seen = ""

    def expect(self, words: str, seconds: float = 90) -> None:
        deadline = time.monotonic() + seconds
        while words not in self.seen:
            assert time.monotonic() < deadline, self.seen
            if select.select([self.fd], [], [], 0.2)[0]:
                try:
                    raw = os.read(self.fd, 65536).decode(errors="replace")
                except OSError:  # the terminal is closed
                    raise AssertionError(f"ended before {words!r}: {self.seen}") from None
                self.seen += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", raw)
        self.seen = self.seen.split(words, 1)[1]

    def type(self, text: str) -> None:
        os.write(self.fd, text.encode())

    def exit_code(self) -> int:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if select.select([self.fd], [], [], 0.1)[0]:
                with contextlib.suppress(OSError):
                    os.read(self.fd, 65536)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
        os.kill(self.pid, signal.SIGKILL)
        raise AssertionError("it does not end")


def test_watch_on_a_terminal():
    Path("mine.py").write_text(TOTAL_ONLY)
    terminal = Terminal("watch", "mine.py")
    terminal.expect("You return the total")
    terminal.expect("Now: mean.")
    terminal.type("h\n")
    terminal.expect("How many values are there?")
    children = children_of(terminal.pid)
    Path("mine.py").write_text(RIGHT.replace("self.value += amount", "self.value = amount"))
    terminal.expect("✓ mean", 30)
    terminal.expect("✗ Total", 30)
    terminal.expect("Now: Total.")
    terminal.type("\x03")
    assert terminal.exit_code() == 130
    wait_until_gone(children)


def test_watch_ends_when_all_has_passed():
    Path("mine.py").write_text(RIGHT)
    terminal = Terminal("watch", "mine.py")
    terminal.expect("All 3 passed.")
    assert terminal.exit_code() == 0


def test_lint_and_doctor():
    told = dojo("lint", "mean", "--seeds", "1")
    assert "0 problems" in told
    told = dojo("doctor")
    assert "sandbox" in told and "refused" in told


def test_serve_answers_and_ends_with_ctrl_c():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "dojo.cli", "serve", "--no-browser", "--port", str(port)]
    serving = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
                    connection.sendall(b"GET /_stcore/health HTTP/1.0\r\n\r\n")
                    assert b"200" in connection.recv(100)
                    break
            except OSError:
                assert time.monotonic() < deadline and serving.poll() is None
                time.sleep(0.2)
        told = dojo("serve", "--no-browser", "--port", str(port), code=2)
        assert f"Port {port} of 127.0.0.1 cannot be used" in told
        children = children_of(serving.pid)
        os.killpg(serving.pid, signal.SIGINT)
        told = serving.communicate(timeout=30)[0]
        assert serving.returncode == 0 and "Traceback" not in told, told
        assert f"The dojo is at http://localhost:{port}" in told and "usage statistics" not in told.lower()
        wait_until_gone(children)
    finally:
        if serving.poll() is None:
            os.killpg(serving.pid, signal.SIGKILL)
