"""Chapter 3's pictures on the references: each demo runs, and shows what the prose around it says that it shows."""

import pytest
import torch

import solutions.activation_patching as reference
from dojo.course.load import load_course
from dojo.ioi import LENGTH
from tests.demos import bars, curves, matrix, run_demo, title

CHAPTER = "activation_patching"
S2, END = 11, LENGTH - 1


@pytest.fixture(scope="module")
def chapter():
    return load_course().chapter(CHAPTER)


@pytest.fixture
def show_demo(chapter, monkeypatch):
    return lambda id, **settings: run_demo(chapter, id, monkeypatch, **settings)


def test_two_models_one_behaviour(show_demo):
    (figure,) = show_demo("logit_difference-demo")
    groups = bars(figure)
    assert len(groups["clean"]) == 4
    assert min(groups["clean"].values()) > 6 and max(groups["corrupted"].values()) < -6
    assert all(abs(value) < 1.2 for value in groups["three names"].values())


def test_the_components_add_up(show_demo, capsys):
    (figure,) = show_demo("residual_stack-demo")
    text = capsys.readouterr().out
    assert float(text.split()[-1].rstrip(".")) < 1e-4
    assert matrix(figure).shape == (2 + 3 * 5, LENGTH)


def test_who_writes_the_name(show_demo, capsys):
    (figure,) = show_demo("direct_logit_attribution-demo")
    for line in capsys.readouterr().out.strip().splitlines():
        added, _, whole = line.partition(";")
        assert abs(float(added.split()[-1]) - float(whole.split()[-1])) < 1e-3
    a, b = bars(figure)["ioi-a"], bars(figure)["ioi-b"]
    assert max(a, key=a.get) == "head 0.3"
    assert sorted(b, key=b.get)[-2:] == ["head 1.2", "head 1.1"] and b["head 1.1"] + b["head 1.2"] > sum(b.values()) / 2
    assert all(abs(b[f"head 0.{head}"]) < 0.25 for head in range(4))


def test_when_each_model_knows(show_demo):
    (figure,) = show_demo("logit_lens-demo")
    lens = {name: y for name, (_, y) in curves(figure).items()}
    assert lens["ioi-b, at S2"][1] > 1.5 and max(lens["ioi-a, at S2"]) < 0.2
    assert lens["ioi-a, at END"][1] > 3 and lens["ioi-b, at END"][1] < 0.5 < 6 < lens["ioi-b, at END"][2]


def test_three_patches_whose_results_are_known(show_demo):
    (figure,) = show_demo("patch-demo")
    effects = bars(figure)[""]
    assert effects["all positions"] == pytest.approx(1, abs=1e-3)
    assert effects["S2 only"] == pytest.approx(1, abs=1e-3) and effects["END only"] == pytest.approx(0, abs=1e-3)


def test_the_news_jumps_from_s2_to_end(show_demo):
    maps = [matrix(figure) for figure in show_demo("patch_residual-demo")]
    for effect, leaves in zip(maps, (1, 2), strict=True):  # before this layer the news is at END
        others = [i for i in range(LENGTH) if i not in (S2, END)]
        assert effect[:, others].abs().max() < 0.05
        assert (effect[:leaves, S2] > 0.9).all() and (effect[leaves:, END] > 0.9).all()


def test_who_carries_it(show_demo):
    a, b = (matrix(figure)[:3] for figure in show_demo("patch_heads-demo"))
    assert a[0, 3] > 0.95 and a[0, :3].abs().max() < 0.05 and a[1].min() > 0.05
    assert b[0, :3].min() > 0.15 and b[1, 1:3].min() > 0.3 and b[2].abs().max() < 0.1


def test_where_to_look_or_what_to_copy(show_demo):
    a, b = (matrix(figure).unflatten(1, (3, 4)) for figure in show_demo("patch_head_inputs-demo"))
    q, k, v, _ = range(4)
    assert a[v, 0, 3] > 0.95 and a[q, 1].min() > 0.05 and a[v, 1].abs().max() < 0.05
    assert b[q, 0, :3].min() > 0.15 and b[v, 0].abs().max() < 0.05
    assert b[v, 1, 1:3].min() > 0.3 and b[q, 1].abs().max() < 0.05
    assert a[k].abs().max() < 0.05 and b[k].abs().max() < 0.1


def test_planted_gates(show_demo):
    both, either = show_demo("noising_denoising_verdict-demo")
    assert "verdict: AND" in title(both) and "verdict: OR" in title(either)
    assert all(abs(e) < 0.01 for e in bars(both)["denoising"].values())
    assert all(abs(e) < 0.01 for e in bars(either)["noising"].values())


def test_estimate_and_truth(show_demo):
    trained, written = show_demo("attribution_patch-demo")
    assert float(title(trained).split()[-1]) > 0.9 and float(title(written).split()[-1]) < 0.8
    points = written["data"][-1] if "customdata" in written["data"][-1] else written["data"][0]
    estimates, truths = torch.tensor(points["x"]), torch.tensor(points["y"])
    labels = [str(label) for label in points.get("text") or points["customdata"]]
    at = next(i for i, label in enumerate(labels) if "2.0 q" in label)
    whole = truths.max()
    assert truths[at] / whole > 0.5 and abs(estimates[at] / whole) < 0.05


@pytest.mark.slow
def test_paths_against_the_truth(show_demo):
    (figure,) = show_demo("path_patch-demo")
    swapped, renamed = bars(figure).values()
    assert len(swapped) == 6 and not any("not in the circuit" in name for name in swapped)
    assert abs(swapped["0.1 → 1.2 k"]) < 0.02 and renamed["0.1 → 1.2 k"] < -0.9


@pytest.mark.slow
def test_how_many_heads_it_takes(show_demo):
    (figure,) = show_demo("faithfulness-demo")
    kept = {name: y for name, (_, y) in curves(figure).items()}
    assert kept["known-circuit"][4] > 0.98
    assert kept["ioi-a"][1] > 0.5 and kept["ioi-a"][4] < 0.95
    assert kept["ioi-b"][5] > 0.85


def test_the_metric_sees_what_it_measures():
    task = reference.load_task("ioi-a", n=100)
    alone = [task.model, task.prompts.tokens, [(0, 3)], task.reference]
    assert reference.faithfulness(*alone, task.metric) == pytest.approx(0.7, abs=0.05)
    guesses = reference.mean_ablate_except(*alone)[:, -1].argmax(dim=-1)
    assert (guesses == task.prompts.correct).float().mean() < 0.1


def test_what_was_made_up_for(show_demo):
    a, b = (bars(figure) for figure in show_demo("self_repair-demo"))
    assert b["repaired"]["1.1"] > 0.3 and b["direct"]["1.1"] == pytest.approx(2.2, abs=0.1)
    assert b["total"]["1.1"] == pytest.approx(1.6, abs=0.1)
    assert a["direct"]["0.3"] == pytest.approx(2.8, abs=0.1) and a["total"]["0.3"] == pytest.approx(7.2, abs=0.1)


def test_the_claim_tried_out(show_demo):
    (figure,) = show_demo("name_the_circuit-demo", LEARNER="Ada")
    scores = bars(figure)[""]
    assert scores["your heads alone"] > 0.9 and scores["all others alone"] < 0.1
