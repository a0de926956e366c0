"""Chapter 5, explanations, tried on examples; what the demos show, and that the examples are what they claim."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from dojo.course.load import load_course
from dojo.interpretation import BEFORE, FILE, SAE, explainable, feature_examples, feature_of, places
from dojo.models import load_model, sae_path
from dojo.transformer import run_with_cache
from solutions import sparse_autoencoders as chapter_5
from tests.demos import bars, run_demo, title

EXAM = Path(__file__).parents[1] / "graders" / "sparse_autoencoders" / "exam.safetensors"


@pytest.fixture(scope="module")
def chapter():
    return load_course().chapter("sparse_autoencoders")


@pytest.fixture
def show_demo(chapter, monkeypatch):
    return lambda id, **settings: run_demo(chapter, id, monkeypatch, **settings)


def balanced(predicate, examples):
    """Balanced accuracy by the four counts."""
    table = [[0, 0], [0, 0]]
    for words, active in examples:
        table[active][bool(predicate(words))] += 1
    (no_no, no_yes), (yes_no, yes_yes) = table
    return (yes_yes / (yes_yes + yes_no) + no_no / (no_no + no_yes)) / 2


def test_the_score_is_balanced_accuracy():
    examples = feature_examples(405, 200)
    for words in ({" two"}, {" two", " three", " ten"}, set()):
        ours = chapter_5.detection_score(lambda example, words=words: example[-1] in words, examples)
        assert ours == pytest.approx(balanced(lambda example, words=words: example[-1] in words, examples))


@pytest.mark.parametrize("file", [None, EXAM])
def test_the_activations_are_those_of_the_shipped_autoencoder(file):
    data = load_file(file or sae_path(SAE) / FILE)
    w = load_file(sae_path(SAE) / "sae_weights.safetensors")
    k, site = (json.loads((sae_path(SAE) / "cfg.json").read_text())[key] for key in ("k", "metadata"))
    rows = data["tokens"][::25].long()
    with torch.no_grad():
        x = run_with_cache(load_model("small-lm"), rows, [site["hook_name"]])[1][site["hook_name"]]
        pre = (x - w["b_dec"]) @ w["W_enc"] + w["b_enc"]
    pre = torch.where(pre >= pre.topk(k).values[..., -1:], pre, 0).clamp(min=0).flatten(0, 1)
    for latent in explainable(file):
        full = torch.zeros(data["tokens"].numel())
        full[data[f"{latent}/places"].long()] = data[f"{latent}/values"].float()
        torch.testing.assert_close(full.view(-1, 128)[::25].flatten(), pre[:, latent], atol=2e-2, rtol=2e-3)


def test_studying_and_judging_share_no_row():
    study, exam = (load_file(path)["tokens"] for path in (sae_path(SAE) / FILE, EXAM))
    assert not set(map(tuple, study.tolist())) & set(map(tuple, exam.tolist()))
    assert explainable() == explainable(EXAM) and len(explainable()) >= 30


def test_examples_are_balanced_and_of_every_kind():
    examples = feature_examples(468, 160, seed=3)
    assert sum(active for _, active in examples) == 80 and len(examples) == 158
    assert all(1 <= len(words) <= BEFORE + 1 for words, _ in examples)
    active, (plain, near, own) = places(468)
    kinds = [set(kind.tolist()) for kind in (active, plain, own)]
    assert not kinds[0] & kinds[1] and not kinds[0] & kinds[2] and min(map(len, [*kinds, near])) > 20
    assert feature_examples(468, 160, seed=3) == examples != feature_examples(468, 160, seed=4)
    with pytest.raises(ValueError, match="no examples of latent 2;"):
        feature_examples(2)


def test_active_examples_come_from_the_whole_range():
    data, words = load_file(sae_path(SAE) / FILE), {}
    values = dict(zip(data["907/places"].tolist(), data["907/values"].tolist(), strict=True))
    active, _ = places(907)
    ranks = [values[place] for place in active.tolist()]
    assert ranks == sorted(ranks, reverse=True) and ranks[-1] >= 0.19 * ranks[0]
    assert len({example[-1] for example, kind in feature_examples(907, 80) if kind}) > 6, words


def test_every_learner_can_pass_and_no_single_word_does(monkeypatch):
    for latent in explainable():
        monkeypatch.setattr(chapter_5, "my_feature", lambda latent=latent: latent)
        for seed in range(2):
            exam = feature_examples(latent, 160, seed, EXAM)
            assert balanced(chapter_5.explain_my_feature, exam) >= 0.78, latent
        actives = [words[-1] for words, active in feature_examples(latent, 400) if active]
        commonest = max(set(actives), key=actives.count)
        assert balanced(lambda words, commonest=commonest: words[-1] == commonest, exam) < 0.75, latent


def test_names_draw_different_latents():
    drawn = [feature_of(str(i)) for i in range(200)]
    assert len(set(drawn)) > 25 and feature_of("Ada") == feature_of("Ada")


def test_what_a_name_is_worth(show_demo):
    *_, figure = show_demo("detection_score-demo")
    scores = list(bars(figure)[""].values())
    assert scores[0] == 0.5 and 0.5 < scores[1] < 0.65, "one word is hardly better than guessing"
    assert 0.8 < scores[2] < scores[3] - 0.03, "the broad name wins"


def test_your_latent_at_work(show_demo, chapter):
    figure, active, silent = show_demo("detection_score-demo-2")
    groups = bars(figure)
    assert sum(groups["active"].values()) > 5 * sum(groups["silent"].values())
    assert active.count("...") == silent.count("...") == 10


def test_where_your_name_fits(show_demo):
    figure, wrong = show_demo("explain_my_feature-demo", LEARNER="Ada")
    scores = list(bars(figure)[""].values())
    assert scores[0] == 0.5 and min(scores[1:]) > 0.8 and str(feature_of("Ada")) in title(figure)
    assert "missed" in wrong or "wrongly" in wrong


def test_the_table_is_the_baseline_that_the_question_names():
    scores = []
    for latent in explainable():
        votes: dict[str, int] = {}
        for words, active in feature_examples(latent, 400):
            votes[words[-1]] = votes.get(words[-1], 0) + (1 if active else -1)
        exam = feature_examples(latent, 160, 0, EXAM)
        scores.append(balanced(lambda words, votes=votes: votes.get(words[-1], 0) > 0, exam))
    assert sorted(scores)[len(scores) // 2] == pytest.approx(0.91, abs=0.03)
