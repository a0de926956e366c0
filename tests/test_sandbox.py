"""The confinement of a learner's process, layer by layer: each probed by trying to break out of it.

The probes run in a process of their own, because a process with threads (this one) must not fork confined children.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dojo.grading import linux, sandbox

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the doors that are shut here are Linux's")

ROOT = Path(__file__).parents[1]

HARNESS = """
import ctypes, errno, json, os, resource, shutil, socket, sys
from pathlib import Path
root = Path({root!r})
from dojo.grading import linux, sandbox
{before}
libc = ctypes.CDLL(None, use_errno=True)

def tried(action):
    try:
        result = action()
        return result if isinstance(result, (int, str, list, type(None))) else "done"
    except (OSError, ValueError, MemoryError) as error:
        return type(error).__name__

def called(result):
    return result if result >= 0 else errno.errorcode[ctypes.get_errno()]

def probe(layers):
    os.write(out, json.dumps({{"layers": layers, "found": probes()}}).encode())

def probes():
{probes}

read, out = os.pipe()
view = sandbox.view_for(root)
pid = sandbox.fork_confined(probe, view, sandbox.Limits(cpu_seconds=5, memory_mb=600), 7)
os.close(out)
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
if view.scratch:
    shutil.rmtree(view.scratch)
print(json.dumps({{"status": status, "text": os.read(read, 1 << 20).decode()}}))
"""


def confined(probes: str, before: str = "") -> dict:
    """Run the body `probes` of a function in a confined child; {"layers": [...], "found": what it returned}."""
    body = "\n".join("    " + line for line in probes.strip().splitlines())
    script = HARNESS.format(root=str(ROOT), before=before, probes=body)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, timeout=100,
        env={"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["status"] == 0, done.stderr
    return json.loads(answer["text"])


BREAKING_OUT = """
return {
    "uid": os.getuid(), "pid": os.getpid(), "cwd": os.getcwd(),
    "fork": tried(os.fork), "exec": tried(lambda: os.execv("/bin/true", ["true"])),
    "tcp": tried(lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM)),
    "udp": tried(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9))),
    "unix": tried(lambda: socket.socket(socket.AF_UNIX)),
    "pair": tried(socket.socketpair),
    "kill": tried(lambda: os.kill(os.getppid() or 1, 0)),
    "ptrace": called(libc.ptrace(16, os.getppid(), 0, 0)),
    "unshare": called(libc.unshare(0x10000000)),
    "mount": called(libc.mount(b"tmpfs", b"/tmp", b"tmpfs", 0, b"")),
    "chroot": called(libc.chroot(b"/tmp")),
    "memfd": tried(lambda: os.memfd_create("x")),
    "pdeathsig": called(libc.prctl(1, 0, 0, 0, 0)),
    "limits": tried(lambda: resource.setrlimit(resource.RLIMIT_CPU, (-1, -1))),
    "root": tried(lambda: os.listdir("/root")), "proc": tried(lambda: os.listdir("/proc")),
    "solutions": tried(lambda: os.listdir(root / "solutions")), "graders": tried(lambda: os.listdir(root / "graders")),
    "git": tried(lambda: os.listdir(root / ".git")), "tests": tried(lambda: os.listdir(root / "tests")),
    "passwords": tried(lambda: open("/etc/passwd").read(1)),
    "package": tried(lambda: len(os.listdir(root / "dojo")) > 0),
    "write checkout": tried(lambda: open(root / "owned", "w")), "write package": tried(lambda: open(root / "dojo/owned", "w")),
    "write python": tried(lambda: open(sys.prefix + "/owned", "w")), "write root": tried(lambda: open("/owned", "w")),
    "write here": tried(lambda: open("mine", "w").write("x")),
    "threads": tried(lambda: __import__("threading").Thread(target=print).start()),
    "torch": tried(lambda: int(__import__("torch").ones(3).sum())),
}
"""
SHUT_BY_SECCOMP = ["fork", "exec", "tcp", "udp", "unix", "pair", "kill", "memfd", "limits"]
SHUT_CALLS = ["ptrace", "unshare", "mount", "chroot", "pdeathsig"]
HIDDEN = ["root", "proc", "solutions", "graders", "git", "tests", "passwords"]
UNWRITABLE = ["write checkout", "write package", "write python", "write root"]
if str(Path(__file__).resolve()).startswith("/tmp/"):
    UNWRITABLE.remove("write checkout")  # a folder of that name in the child's own scratch space, not the real one
REFUSED = {"PermissionError", "FileNotFoundError", "NotADirectoryError", "OSError"}


@pytest.fixture(scope="module")
def here() -> dict:
    """What a child can do at the strongest level of this machine."""
    return confined(BREAKING_OUT)


def needs(layers: list[str], *wanted: str) -> None:
    missing = [w for w in wanted if w not in layers]
    if missing:
        pytest.skip(f"this machine does not give {', '.join(missing)}")


def test_honest_work_goes_on(here):
    found = here["found"]
    assert found["torch"] == 3 and found["write here"] == 1 and found["threads"] is None and found["package"] is True


@pytest.mark.parametrize("door", [*SHUT_BY_SECCOMP, *SHUT_CALLS])
def test_seccomp(here, door):
    needs(here["layers"], "seccomp")
    assert here["found"][door] in ("PermissionError", "EPERM", "ValueError")


@pytest.mark.parametrize("place", HIDDEN)
def test_what_cannot_be_seen(here, place):
    needs(here["layers"], "Landlock")
    assert here["found"][place] in REFUSED


@pytest.mark.parametrize("place", UNWRITABLE)
def test_what_cannot_be_written(here, place):
    needs(here["layers"], "Landlock")
    assert here["found"][place] in REFUSED
    assert not (ROOT / "owned").exists() and not (ROOT / "dojo" / "owned").exists()


def test_namespaces(here):
    needs(here["layers"], "namespaces")
    assert here["found"]["pid"] == 1, "its own process tree"
    assert here["found"]["cwd"] == "/tmp"


def test_a_user_id_of_its_own(here):
    needs(here["layers"], "own uid")
    assert here["found"]["uid"] == sandbox.FIRST_UID + 7


def test_scratch_space_is_bounded(here):
    needs(here["layers"], "namespaces")
    found = confined(
        """
def fill():
    for i in range(100):
        with open(f"/tmp/{i}", "wb") as file:
            for _ in range(8):
                file.write(bytes(1 << 20))

def litter():
    for i in range(20_000):
        open(f"/tmp/empty{i}", "w").close()

first = tried(fill)
used = sum(e.stat().st_size for e in os.scandir("/tmp")) >> 20
for e in list(os.scandir("/tmp")):
    if e.is_file():  # a checkout under /tmp is shown there as a folder
        os.remove(e.path)
return {"fill": first, "used": used, "litter": tried(litter), "files": len(os.listdir("/tmp"))}
"""
    )["found"]
    assert found["fill"] == found["litter"] == "OSError"
    assert found["used"] <= sandbox.SCRATCH_MB and found["files"] <= sandbox.SCRATCH_FILES


def test_limits():
    found = confined(
        """
def one_file():
    with open("large", "wb") as file:
        while True:
            file.write(bytes(1 << 20))

def descriptors():
    while True:
        os.pipe()

def memory():
    kept = []
    while len(kept) < 5000:
        kept.append(bytes(1 << 20))
    return len(kept)

return {"file": tried(one_file), "size": os.stat("large").st_size >> 20, "memory": tried(memory), "open": tried(descriptors)}
"""
    )["found"]
    assert found == {"file": "OSError", "size": sandbox.Limits().file_mb, "memory": "MemoryError", "open": "OSError"}


def test_processor_time_is_limited():
    script = HARNESS.format(root=str(ROOT), before="", probes="    while True: pass").replace(
        "cpu_seconds=5", "cpu_seconds=1"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert json.loads(done.stdout)["status"] < 0


# --- the weaker levels, made here by taking layers away ---------------------------------------------------------


def test_without_namespaces_landlock_and_seccomp_still_hold():
    answer = confined(BREAKING_OUT, before="sandbox._namespaces = lambda: 0")
    needs(answer["layers"], "Landlock", "seccomp")
    assert sandbox.level(answer["layers"]) == sandbox.LEVELS[1]
    found = answer["found"]
    assert all(found[door] in ("PermissionError", "EPERM", "ValueError") for door in (*SHUT_BY_SECCOMP, *SHUT_CALLS)), (
        found
    )
    assert all(found[place] in REFUSED for place in (*HIDDEN, *UNWRITABLE)), found
    assert found["torch"] == 3 and found["write here"] == 1


def test_without_seccomp_the_level_says_so():
    answer = confined("return tried(lambda: os.listdir(root / 'solutions'))", before="linux.sc = None")
    assert "seccomp" not in answer["layers"]
    assert sandbox.level(answer["layers"]) == sandbox.LEVELS[0]


def test_without_landlock_the_root_of_its_own_still_hides():
    before = "linux.landlock_abi = lambda: 0"
    answer = confined(BREAKING_OUT, before=before)
    needs(answer["layers"], "namespaces", "seccomp")
    assert "Landlock" not in answer["layers"] and "Landlock" not in sandbox.level(answer["layers"])
    hidden = [place for place in HIDDEN if place != "root"]  # the path to a Python that lives there may be seen, empty
    assert all(answer["found"][place] in REFUSED for place in (*hidden, *UNWRITABLE)), answer["found"]


def test_with_nothing_at_all_it_is_practice():
    before = "sandbox._namespaces = lambda: 0\nlinux.landlock_abi = lambda: 0\nlinux.sc = None"
    answer = confined("return 1", before=before)
    assert answer["layers"] == ["limits"]
    assert "not for marks" in sandbox.level(answer["layers"])


ANOTHER_USER = """
os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
linux.prctl(linux.PR_SET_DUMPABLE, 1)
sandbox.view_for = lambda root: sandbox.View(("/usr/lib", str(root / "dojo")), (), (), (str(root / "solutions"),))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")
def test_an_ordinary_user_gets_namespaces_too():
    """Where the kernel lets users make namespaces, whoever runs the dojo without root has level 2."""
    answer = confined(BREAKING_OUT, before=ANOTHER_USER)
    needs(answer["layers"], "namespaces", "seccomp")
    found = answer["found"]
    assert sandbox.level(answer["layers"])[:2] == "L2" and "own uid" not in answer["layers"]
    assert found["uid"] == 65534 and found["pid"] == 1
    assert all(found[door] in ("PermissionError", "EPERM", "ValueError") for door in (*SHUT_BY_SECCOMP, *SHUT_CALLS)), (
        found
    )
    assert all(found[place] in REFUSED for place in (*HIDDEN, *UNWRITABLE)), found


@pytest.mark.parametrize(
    ("layers", "level"),
    [
        (["limits"], 0),
        (["limits", "namespaces", "own uid", "Landlock", "seccomp"], 0),
        (["limits", "namespaces", "Landlock", "tried"], 0),
        (["limits", "Landlock", "seccomp", "tried"], 1),
        (["limits", "namespaces", "Landlock", "seccomp", "tried"], 2),
        (["limits", "namespaces", "own uid", "seccomp", "tried"], 3),
        (["limits", "namespaces", "own uid", "Landlock", "seccomp", "tried"], 3),
    ],
    ids=str,
)
def test_levels(layers, level):
    text = sandbox.level(layers)
    assert text[1] == str(level)
    if level and "Landlock" not in layers:
        assert "Landlock" not in text


def test_the_view_holds_no_secrets():
    view = sandbox.view_for(ROOT)
    for secret in ("solutions", "graders", "chapters", ".git", "tests", "benchmarks"):
        path = str(ROOT / secret)
        assert not any(path == shown or path.startswith(shown + "/") for shown in view.readable) or path in view.hidden
    assert str(ROOT) not in view.readable
    assert "/" not in view.readable and str(Path.home()) not in view.readable


def test_every_forbidden_call_is_known_here():
    """A misspelt name would be passed over in silence: all but a few that this architecture never had must resolve."""
    if linux.sc is None:
        pytest.skip("libseccomp is not there")
    unknown = [name for name in linux.DENIED if linux.sc.resolve_syscall(linux.sc.Arch.NATIVE, name) < 0]
    assert set(unknown) <= {"uselib", "nfsservctl", "modify_ldt", "ioperm", "iopl", "kexec_file_load", "sysfs", "ustat"}
