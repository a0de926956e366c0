"""Chapter 2's pictures on the references: each demo runs, and shows what the prose around it says that it shows."""

import re

import pytest
import torch

from dojo.course.load import load_course
from tests.demos import bars, curves, matrix, run_demo, title

HEADS = [[f"{layer}.{head}" for head in range(4)] for layer in range(2)]


@pytest.fixture(scope="module")
def chapter():
    return load_course().chapter("induction_heads")


@pytest.fixture
def show_demo(chapter, monkeypatch):
    return lambda id, **settings: run_demo(chapter, id, monkeypatch, **settings)


def number(text: str) -> float:
    """The last number in a text."""
    return float(re.findall(r"-?\d+\.?\d*", text)[-1])


def test_the_same_words_twice(show_demo):
    *rows, figure = show_demo("repeated_tokens-demo")
    assert [row.count("&lt;|endoftext|&gt;") for row in rows] == [1, 1]
    same = matrix(figure)
    assert torch.equal(same.diagonal(-8)[1:], torch.ones(8)), "the stripe stands eight places below the diagonal"
    assert same.sum() == 17 + 2 * 8, "and nothing else is equal in this row"


def test_loss_by_position(show_demo):
    (figure,) = show_demo("in_context_score-demo")
    untrained, one, two = (torch.tensor(y) for _, y in curves(figure).values())
    assert (untrained - 4.14).abs().max() < 0.2
    assert min(one[:24].min(), two[:24].min()) > 4.13, "nobody beats guessing on the first copy"
    assert two[24] > 3.5 and two[26] == pytest.approx(0.02, abs=0.006) and two[26:].max() < 0.05
    assert one[25:].mean() == pytest.approx(2.9, abs=0.1), "one layer gains something"
    assert [number(name) for name in curves(figure)][1:] == [-1.41, -4.14]


def test_previous_token_heads(show_demo):
    scores, small = show_demo("previous_token_score-demo")
    assert len(small["data"]) == 8
    assert number(title(scores)) == pytest.approx(0.07, abs=0.005)
    assert matrix(scores)[0, 1] == pytest.approx(0.99, abs=0.005) and matrix(scores)[1].max() < 0.1
    assert matrix(scores)[0, 2] == pytest.approx(0.02, abs=0.005)
    two_back = torch.tensor(small["data"][2]["z"]).diagonal(-2)
    assert two_back.mean() > 0.9, "head 0.2 looks two places back"


def test_nobody_looks_for_copies(show_demo):
    (figure,) = show_demo("duplicate_token_score-demo")
    assert matrix(figure).max() < number(title(figure)) + 0.005


def test_induction_by_pattern(show_demo):
    figure, attention = show_demo("induction_score-demo")
    layer_0, layer_1, twin, even = matrix(figure)
    assert layer_1.min() == pytest.approx(0.84, abs=0.01) and layer_1.max() == pytest.approx(0.92, abs=0.01)
    assert max(layer_0.max(), twin.max()) < 0.15 and even.max() < 0.06
    assert "AttentionHeads" in attention


def test_the_direct_qk_circuit_has_no_bright_diagonal(show_demo):
    (figure,) = show_demo("qk_circuit-demo")
    assert "1.0: 0 of 63" in title(figure)
    table = matrix(figure)
    assert -table.std() < table.diagonal().mean() < 0, "faint, and of the wrong colour"


def test_the_ov_circuit_copies(show_demo):
    (figure,) = show_demo("ov_circuit-demo")
    assert "head 1.0: 62 of 63" in title(figure)
    assert (matrix(figure).argmax(1) == torch.arange(24)).sum() >= 23


def test_copying_scores(show_demo):
    scores, sizes = bars(show_demo("copying_score-demo")[0]).values()
    random = "random, mean |score|"
    assert scores["1.0"] > 0.995 and scores["0.1"] == pytest.approx(0.91, abs=0.01)
    assert all(0.3 <= scores[name] <= 0.455 for name in HEADS[1][1:]) and scores[random] < 0.15
    assert sizes["0.1"] < 0.3 and min(sizes[name] for name in HEADS[1]) > 0.7


def test_what_chance_gives(show_demo):
    measured, predicted = (torch.tensor(y) for _, y in curves(show_demo("composition_score-demo")[0]).values())
    assert torch.allclose(measured, predicted, rtol=0.05)
    assert measured[2] == pytest.approx(0.125, abs=0.003), "d_model 64: about 1/8"


def test_who_reads_whom(show_demo):
    q, k, v = matrix(show_demo("compositions-demo")[0]).split(4, dim=1)
    assert k.argmax() == 4 and q.max() < k.max(), "the largest K score is that of 0.1 with 1.0"
    assert v[[0, 3], 1:].min() > k.max(), "the largest scores stand under V, from 0.0 and 0.3"


def test_the_circuit_in_weights(show_demo):
    (figure,) = show_demo("compositions-demo-2")
    assert "1.0 through 0.1" in title(figure) and int(re.findall(r"(\d+) of 63", title(figure))[0]) >= 62
    table = matrix(figure)
    assert table.diagonal().mean() > table.mean() + 2 * table.std()


def test_ablating_one_and_all(show_demo):
    together, alone = show_demo("ablate_heads-demo")
    for _, rise in curves(together).values():
        assert rise[0] == 0 and rise[4] > 4 and rise[1] < 0.1 * rise[4]
    mean = bars(alone)["mean"]
    assert max(mean[name] for name in HEADS[1]) == pytest.approx(0.09, abs=0.006)
    assert curves(together)["mean"][1][4] == pytest.approx(4.2, abs=0.05)
    assert mean["0.1"] == pytest.approx(3.9, abs=0.05) and mean["0.2"] == pytest.approx(2.0, abs=0.05)
    assert abs(mean["0.0"]) < 0.01 and abs(mean["0.3"]) < 0.01, "two heads do nothing"
    assert curves(together)["resample"][1][4] > curves(together)["mean"][1][4] + 4, "worse than none"


def test_through_which_door(show_demo):
    (figure,) = show_demo("decompose_scores-demo")
    lift = matrix(figure)
    assert lift.max() == lift[0, 3] == pytest.approx(9.8, abs=0.05), "the query reads the word, the key head 0.1"
    assert number(title(figure)) == 12.7 == pytest.approx(lift.sum().item(), abs=0.06)
    assert lift.flatten().sort().values[-2] == lift[3, 4] == pytest.approx(1.8, abs=0.05)


def test_hand_made_against_trained(show_demo):
    patterns, figure = show_demo("build_induction_head-demo")
    chances = bars(figure)
    for end in ("cat fox", "lamp fox"):
        yours = chances[f"yours, … {end}"]
        assert yours["star"] == pytest.approx(yours["moon"], abs=0.01) and yours["star"] > 0.35
    assert chances["induction, … cat fox"]["star"] == pytest.approx(0.96, abs=0.01)
    assert chances["induction, … lamp fox"]["moon"] == pytest.approx(0.98, abs=0.01)
    previous, induction = (torch.tensor(trace["z"]) for trace in patterns["data"])
    assert previous.diagonal(-1).min() > 0.99
    assert induction[-1, 3] == pytest.approx(0.5, abs=0.01) and induction[-1, 7] == pytest.approx(0.5, abs=0.01)


@pytest.mark.slow
def test_watch_it_appear(show_demo):
    losses, scores = (curves(figure) for figure in show_demo("train_induction_model-demo"))
    steps, induction = scores["induction, layer 1"]
    previous = scores["previous token, layer 0"][1]
    assert max(induction[:10]) < 0.1 and max(previous[:10]) < 0.15, "nothing happens for a hundred steps"
    assert max(induction) > 0.8 and max(previous) > 0.5
    rises = [next(s for s, y in zip(steps, ys, strict=True) if y > max(ys) / 2) for ys in (induction, previous)]
    assert 150 <= rises[0] <= 300 and abs(rises[0] - rises[1]) <= 60, "both come together"
    assert max(y for s, y in zip(steps, induction, strict=True) if s < 170) < 0.15, "the plateau"
    loss = dict(zip(*losses["second copy, unseen"], strict=True))
    assert loss[99] > 3.5 and loss[299] < 1.2


@pytest.mark.slow
def test_grow_the_wrong_one(show_demo):
    (figure,) = show_demo("is_positional_shortcut-demo-2")
    same, other = (dict(zip(*curve, strict=True)) for curve in curves(figure).values())
    assert same[199] < 0.1 and other[199] > 4.14, "perfect at its period, worse than guessing elsewhere"


def test_two_models_until_the_period_changes(show_demo, capsys):
    (figure,) = show_demo("is_positional_shortcut-demo")
    real, fake = (dict(zip(*curve, strict=True)) for curve in curves(figure).values())
    assert min(real.values()) > 0.8 and real[16] == pytest.approx(0.89, abs=0.006)
    assert fake[16] == pytest.approx(0.86, abs=0.006) and max(fake[15], fake[17]) < 0.065
    printed = capsys.readouterr().out
    assert re.findall("says (True|False)", printed) == ["False", "True"]
    real_previous, fake_previous = map(float, re.findall(r"layer 0: (\d\.\d+)", printed))
    assert real_previous > 0.9 and fake_previous < 0.1


def test_the_shipped_checkpoints(show_demo):
    scores, losses, slider = show_demo("phase_change-demo")
    changes = [name.split(": ")[1] for name in curves(scores)]
    assert changes == ["187.5", "437.5", "237.5", "None"]
    loss = dict(zip(*curves(losses)["two layers"], strict=True))
    assert loss[150] > 3.5 and loss[250] < 1, "the loss falls with the induction score"
    frames = {frame["name"]: frame["data"][1]["z"] for frame in slider["frames"]}  # head 0.1
    stripe = torch.tensor(frames["350"]).diagonal(-1)
    assert len(frames) >= 20 and stripe[:24].mean() > 0.9 and stripe[24:].mean() < 0.25, "the first copy alone"


def test_the_sections_for_larger_models_run_on_ours(show_demo):
    induction, previous = map(matrix, show_demo("demo-1"))
    assert induction[1].min() > 0.5 and previous[0].max() > 0.5
    (figure,) = show_demo("demo-2")
    assert next(iter(bars(figure)[""].values())) > 2


def test_the_investigation_tells_lookalikes_apart(show_demo):
    scores, small = show_demo("induction_score-demo-2")
    assert len(small["data"]) == 12
    previous, induction, _ = matrix(scores)
    assert (previous > 0.9).sum() >= 2 and (induction > 0.9).sum() >= 2, "more suspects than culprits"
    alone = bars(show_demo("ablate_heads-demo-2")[0])["mean"]
    assert 1 <= sum(rise > 0.5 for rise in alone.values()) <= 4  # stand-ins hide

    trial, carried = show_demo("name_the_heads-demo")
    rise = list(bars(trial)[""].values())
    assert abs(rise[0]) < 0.2 and min(rise[1:3]) > 0.5 and abs(rise[3]) < 0.2
    nothing, yours, lookalikes = bars(carried)[""].values()
    assert yours < nothing - 2 and abs(lookalikes - nothing) < 0.3
