"""Training runs of chapter 5 that are stopped and gone on with: bit for bit the same as those that were not."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

import solutions.sparse_autoencoders as ref

ROOT = Path(__file__).resolve().parents[1]
UNTIL = 40


def fresh() -> ref.TrainingState:
    torch.manual_seed(5)
    return ref.start_training(ref.SparseAutoencoder(6, 9), lr=0.01)


def batches():
    return ref.toy_batches(ref.toy_truth(9, 6, seed=2), density=0.1, n=32)


def finished(state: ref.TrainingState) -> dict:
    """All that a run leaves behind, Adam's averages too."""
    adam = {f"{i} {key}": value for i, p in state.optimizer.state_dict()["state"].items() for key, value in p.items()}
    return state.sae.state_dict() | adam | {"step": torch.tensor(state.step), "idle": state.idle}


def same(a: dict, b: dict) -> bool:
    return a.keys() == b.keys() and all(torch.equal(torch.as_tensor(a[key]), torch.as_tensor(b[key])) for key in a)


@pytest.fixture(scope="module")
def unbroken() -> dict:
    state = fresh()
    ref.train_sae(state, batches(), ref.l1_objective(0.2), UNTIL)
    return finished(state)


def test_the_comparison_sees_one_step(unbroken):
    state = fresh()
    ref.train_sae(state, batches(), ref.l1_objective(0.2), UNTIL - 1)
    assert not same(finished(state), unbroken)


@pytest.mark.parametrize("stop", [1, 17, 39])
def test_from_a_file(unbroken, tmp_path, stop):
    state = fresh()
    ref.train_sae(state, batches(), ref.l1_objective(0.2), stop)
    ref.save_training(state, tmp_path / "run.pt")
    torch.manual_seed(99)
    other = ref.start_training(ref.SparseAutoencoder(6, 9), lr=0.5)  # all of this is overwritten, the learning rate too
    loaded = ref.load_training(other, tmp_path / "run.pt")
    assert loaded is other and loaded.step == stop
    ref.train_sae(loaded, batches(), ref.l1_objective(0.2), UNTIL)
    assert same(finished(loaded), unbroken)
    assert [p.name for p in tmp_path.iterdir()] == ["run.pt"], "nothing half-written is left"


def test_a_save_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    state = fresh()
    ref.save_training(state, tmp_path / "run.pt")
    before = (tmp_path / "run.pt").read_bytes()

    def full(parts, path):
        Path(path).write_bytes(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError):
        ref.save_training(state, tmp_path / "run.pt")
    assert (tmp_path / "run.pt").read_bytes() == before


@pytest.mark.parametrize("where", ["batch", "objective", "logger"])
@pytest.mark.parametrize("at", [0, 13])
def test_ctrl_c(unbroken, where, at):
    state, presses = fresh(), [True]

    def press(place, step):
        if place == where and step == at and presses:
            presses.pop()
            raise KeyboardInterrupt

    def batch_at(step):
        press("batch", step)
        return batches()(step)

    def objective(state, x):
        press("objective", state.step)
        return ref.l1_objective(0.2)(state, x)

    def run():
        return ref.train_sae(
            state, batch_at, objective, UNTIL, logger=lambda e: press("logger", e["step"] - 1), log_every=1
        )

    with pytest.raises(KeyboardInterrupt):
        run()
    assert state.step == at + (where == "logger")
    run()
    assert same(finished(state), unbroken)


@pytest.mark.slow
def test_a_real_signal():
    """SIGINT from outside while a batch is being made, in a process of its own."""
    code = """
import time
from tests.test_sae_training import UNTIL, batches, finished, fresh, ref, same

pressed = []

def batch_at(step):
    if step == 7 and not pressed:
        pressed.append(step)
        print("ready", flush=True)
        time.sleep(30)
    return batches()(step)

state, other = fresh(), fresh()
try:
    ref.train_sae(state, batch_at, ref.l1_objective(0.2), UNTIL)
except KeyboardInterrupt:
    print(state.step, flush=True)
ref.train_sae(state, batch_at, ref.l1_objective(0.2), UNTIL)
ref.train_sae(other, batches(), ref.l1_objective(0.2), UNTIL)
print(same(finished(state), finished(other)))
"""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment,
        preexec_fn=lambda: signal.signal(
            signal.SIGINT, signal.SIG_DFL
        ),  # it may be off where tests run in the background
    )
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0 and out.split() == ["7", "True"]


def test_the_log():
    state, log = fresh(), []
    ref.train_sae(state, batches(), ref.l1_objective(0.2), 25, logger=log.append, log_every=10)
    ref.train_sae(state, batches(), ref.l1_objective(0.2), UNTIL, logger=log.append, log_every=10)
    assert [entry["step"] for entry in log] == [10, 20, 25, 30, 40]
    assert json.loads(json.dumps(log)) == log, "plain numbers"


@pytest.mark.tools
@pytest.mark.xdist_group("tools")
@pytest.mark.skipif(importlib.util.find_spec("wandb") is None, reason="`make tools` installs wandb")
def test_logging_to_weights_and_biases(tmp_path, monkeypatch):
    """`logger=run.log`, offline: the numbers come back out of wandb's own file."""
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    for name in ("WANDB_DIR", "WANDB_CONFIG_DIR", "WANDB_CACHE_DIR", "WANDB_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path))
    import wandb

    log = []
    ref.train_sae(fresh(), batches(), ref.l1_objective(0.2), 20, logger=log.append, log_every=5)
    run = wandb.init(project="sae", mode="offline", dir=str(tmp_path))
    ref.train_sae(fresh(), batches(), ref.l1_objective(0.2), 20, logger=run.log, log_every=5)
    run.finish()
    (file,) = tmp_path.rglob("run-*.wandb")
    deadline = time.monotonic() + 60
    while (entries := history(file)) != log and time.monotonic() < deadline:
        time.sleep(0.2)  # on a busy machine wandb's own process writes on for a while after finish()
    assert entries == log


def history(file: Path) -> list[dict]:
    from wandb.proto import wandb_internal_pb2

    entries = []
    for data in records(file.read_bytes()):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        if record.WhichOneof("record_type") == "history":
            items = {(item.key or item.nested_key[0]): json.loads(item.value_json) for item in record.history.item}
            entries.append({key: value for key, value in items.items() if not key.startswith("_")})
    return entries


def records(file: bytes, block: int = 32768):
    """The records of a .wandb file: after 7 bytes, parts with a checksum (4), length (2) and kind (1; 1 whole, 4 last)."""
    place, record = 7, b""
    while place + 7 <= len(file):
        if block - place % block < 7:  # no part begins in the last bytes of a block
            place += block - place % block
            continue
        length, kind = int.from_bytes(file[place + 4 : place + 6], "little"), file[place + 6]
        if place + 7 + length > len(file):
            return  # not yet written to its end
        record += file[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):
            yield record
            record = b""
