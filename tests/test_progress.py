"""The progress database: nothing that was committed is lost, and its troubles are told plainly."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from dojo.grading.verdict import TestResult as Result
from dojo.grading.verdict import Value, Verdict
from dojo.progress import Store, StoreError, home

CH, EX = "transformer_from_scratch", "attention_pattern"


def verdict(status="failed") -> Verdict:
    results = [
        Result("a", "Rows sum to one.", "passed"),
        Result("b", "Causal.", "failed", "no", Value("[1]", [1], "float32", [1.0])),
    ]
    return Verdict(CH, EX, status, "Not yet.", tests=results)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/progress.db"
        return
    address = os.environ.get("DOJO_TEST_POSTGRES")
    if not address:
        pytest.skip("DOJO_TEST_POSTGRES names no empty PostgreSQL database")
    from sqlalchemy import create_engine, text

    engine = create_engine(address.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.execute(text("drop schema public cascade; create schema public"))
    yield address


@pytest.fixture
def store(url):
    store = Store(url)
    yield store
    store.close()


def test_drafts(store):
    me = store.learner()
    assert store.draft(me, CH, EX) is None
    store.save_draft(me, CH, EX, "def f(): 1")
    store.save_draft(me, CH, EX, "def f(): 2 # é ∑ \0 \ud800")
    assert store.draft(me, CH, EX).startswith("def f(): 2 # é ∑")
    assert store.draft(me, CH, "embed") is None
    other = store.learner(store.new_learner("Ada"))
    assert store.draft(other, CH, EX) is None


def test_every_attempt_is_kept_with_its_verdict(store):
    me = store.learner()
    for i in range(3):
        store.record(me, CH, EX, f"code {i}", verdict("failed" if i < 2 else "passed"))
    found = store.attempts(me, CH, EX)
    assert [a.code for a in found] == ["code 0", "code 1", "code 2"]
    assert found[0].verdict == verdict() and found[2].verdict.passed
    assert found[0].at <= found[2].at and abs(found[2].at.timestamp() - time.time()) < 60


def test_status(store):
    me = store.learner()
    assert store.status(me) == {}
    store.save_draft(me, CH, "embed", "x")
    store.record(me, CH, EX, "", verdict("passed"))
    store.record(me, CH, EX, "", verdict("failed"))  # once passed stays passed
    store.record(me, CH, "MLP", "", verdict("error"))
    assert store.status(me) == {(CH, "embed"): "started", (CH, EX): "passed", (CH, "MLP"): "tried"}
    assert store.status(store.learner("another")) == {}


def test_hints_and_solutions(store):
    me = store.learner()
    assert store.hints_opened(me, CH, EX) == 0 and not store.solution_opened(me, CH, EX)
    assert [store.open_hint(me, CH, EX) for _ in range(3)] == [1, 2, 3]
    assert store.hints_opened(me, CH, EX) == 3 and not store.solution_opened(me, CH, EX)
    store.open_solution(me, CH, EX)
    store.open_solution(me, CH, EX)
    assert store.solution_opened(me, CH, EX) and store.hints_opened(me, CH, EX) == 3
    store.open_solution(me, CH, "embed")
    assert store.solution_opened(me, CH, "embed") and store.hints_opened(me, CH, "embed") == 0


def test_answers(store):
    me = store.learner()
    store.answer(me, "causal-mask", "the future", False)
    store.answer(me, "causal-mask", 0.5, True)
    answer = store.answers(me)["causal-mask"]
    assert (answer.value, answer.correct, answer.tries) == ("0.5", True, 2)


def test_learners(store):
    assert store.learner() == store.learner("me") and store.learner("me") != store.learner("you")
    key = store.new_learner("Ada")
    assert len(key) >= 24 and store.find_learner(key).name == "Ada"
    assert store.find_learner(key).id == store.learner(key)
    assert store.find_learner("nobody") is None
    assert [person.name for person in store.learners()] == ["", "", "Ada"]
    with pytest.raises(StoreError):
        store.learner("x" * 101)


def test_many_threads(url):
    store, errors = Store(url), []

    def work(i):
        try:
            me = store.learner(f"learner {i % 4}")
            for n in range(5):
                store.save_draft(me, CH, EX, f"{i} {n}")
                store.record(me, CH, EX, f"{i} {n}", verdict())
                store.open_hint(me, CH, EX)
                store.status(me)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(12)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert errors == []
    for i in range(4):
        me = store.learner(f"learner {i}")
        assert len(store.attempts(me, CH, EX)) == 15 and store.hints_opened(me, CH, EX) == 15


WRITER = """
import sys
from dojo.progress import Store
from dojo.grading.verdict import Verdict
store, name = Store(sys.argv[1]), sys.argv[2]
me = store.learner(name)
print("ready", flush=True)
for n in range(1, 1_000_000):
    store.save_draft(me, "c", "e", f"draft {n}")
    store.record(me, "c", "e", f"attempt {n}", Verdict("c", "e", "failed", "no"))
    print(n, flush=True)
"""


def test_kill_9_loses_nothing_that_was_committed(url):
    """Two writers are killed in mid-write, three times over; all that they had said to be saved is there."""
    committed = {"ada": 0, "grace": 0}
    for _ in range(3):
        writers = {
            name: subprocess.Popen([sys.executable, "-c", WRITER, url, name], stdout=subprocess.PIPE, text=True)
            for name in committed
        }
        for writer in writers.values():
            assert writer.stdout.readline() == "ready\n"
        for name, writer in writers.items():
            first = [writer.stdout.readline().strip() for _ in range(5)]
            time.sleep(0.2)
            writer.send_signal(signal.SIGKILL)
            said = first + writer.communicate()[0].split()
            assert writer.returncode == -signal.SIGKILL
            store = Store(url)
            me = store.learner(name)
            attempts = [attempt.code for attempt in store.attempts(me, "c", "e")]
            new = attempts[committed[name] :]
            assert new[: len(said)] == [f"attempt {n}" for n in range(1, len(said) + 1)]
            assert len(new) <= len(said) + 1  # the one that was committed and not yet said
            assert int(store.draft(me, "c", "e").split()[1]) >= len(said)
            committed[name] = len(attempts)
            store.close()


def test_servers_that_start_at_once_do_not_collide(url):
    code = "import sys; from dojo.progress import Store; Store(sys.argv[1]).learner('me')"
    started = [subprocess.Popen([sys.executable, "-c", code, url]) for _ in range(4)]
    assert [process.wait() for process in started] == [0] * 4
    assert len(Store(url).learners()) == 1


# --- troubles ------------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "progress.db"
    store = Store(f"sqlite:///{path}")
    for n in range(200):
        store.save_draft(store.learner(), CH, f"exercise {n}", "x" * 500)
    store.close()
    return path


def test_a_damaged_database(file):
    file.write_bytes(b"this is no database" * 1000)
    with pytest.raises(StoreError, match=r"damaged.*mv "):
        Store(f"sqlite:///{file}")


def test_a_database_damaged_in_the_middle(file):
    data = bytearray(file.read_bytes())
    data[4096 : len(data)] = os.urandom(len(data) - 4096)
    file.write_bytes(data)
    with pytest.raises(StoreError, match="damaged"):
        store = Store(f"sqlite:///{file}")
        for n in range(200):
            store.draft(store.learner(), CH, f"exercise {n}")


def test_a_locked_database(file):
    other = sqlite3.connect(file)
    other.execute("begin exclusive")
    with pytest.raises(StoreError, match="locked by another program"):
        Store(f"sqlite:///{file}", busy_seconds=0.2).learner("someone new")
    other.close()
    assert Store(f"sqlite:///{file}").draft(1, CH, "exercise 3")


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"file/x/progress.db"):
        Store(f"sqlite:///{tmp_path}/file/x/progress.db")


def test_a_database_that_may_not_be_written(file):
    """Runs as another user where we are root, for whom no file is read-only."""
    file.parent.chmod(0o555)
    file.chmod(0o444)
    code = """
import os, sys
from dojo.progress import Store, StoreError
Store("sqlite://").learner()  # imports all that it needs: another user may not read this interpreter
if os.geteuid() == 0: os.setuid(65534)
try: Store(sys.argv[1]).save_draft(1, "c", "e", "x")
except StoreError as error: print(error)
"""
    file_url, folder = f"sqlite:///{file}", file.parent
    if os.geteuid() == 0:  # pytest's own folders are closed to others
        folder = Path("/tmp") / f"dojo-readonly-{os.getpid()}"
        shutil.copytree(file.parent, folder)
        folder.chmod(0o555)
        file_url = f"sqlite:///{folder}/progress.db"
    try:
        said = subprocess.run([sys.executable, "-c", code, file_url], capture_output=True, text=True)
        assert "cannot be written. Check the permissions" in said.stdout, said.stderr
    finally:
        file.parent.chmod(0o755)
        if folder != file.parent:
            folder.chmod(0o755)
            shutil.rmtree(folder)


def test_a_database_of_a_newer_version(file):
    connection = sqlite3.connect(file)
    connection.execute("update meta set value = '99'")
    connection.commit()
    connection.close()
    with pytest.raises(StoreError, match=r"newer dojo .*upgrade"):
        Store(f"sqlite:///{file}")


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("nonsense", "is not a database address"),
        ("mysql://a:b@c/d", "SQLite and PostgreSQL are known"),
    ],
)
def test_an_address_that_is_none(monkeypatch, address, words):
    monkeypatch.setenv("DOJO_DATABASE_URL", address)
    with pytest.raises(StoreError, match=words):
        Store()


def test_a_postgresql_that_does_not_answer_and_no_password_in_the_message():
    pytest.importorskip("psycopg")
    with pytest.raises(StoreError, match="cannot be used") as caught:
        Store("postgresql://ada:secret@127.0.0.1:1/none")
    assert "secret" not in str(caught.value)


def test_where_it_lies(monkeypatch, tmp_path):
    monkeypatch.delenv("DOJO_DATABASE_URL", raising=False)
    monkeypatch.setenv("DOJO_HOME", str(tmp_path / "a" / "b"))
    assert home() == tmp_path / "a" / "b"
    Store().learner()
    assert (tmp_path / "a" / "b" / "progress.db").exists()
    connection = sqlite3.connect(tmp_path / "a" / "b" / "progress.db")
    assert connection.execute("pragma journal_mode").fetchone() == ("wal",)


def test_an_alias_is_each_learners_own_and_lasting(store):
    a, b = (store.find_learner(store.new_learner("Ada")).id for _ in range(2))
    me = store.learner()
    assert store.alias(a).startswith("Ada ") and store.alias(me).startswith("learner ")
    assert len({store.alias(a), store.alias(b), store.alias(me)}) == 3
    assert store.alias(a) == store.alias(a)
