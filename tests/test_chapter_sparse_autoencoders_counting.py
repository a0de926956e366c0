"""Chapter 5, sections 2 and 3: the pictures on the references say what the prose says, and the mathematics is checked again."""

import re
from itertools import permutations

import pytest
import torch
import torch.nn.functional as F

from dojo.course.load import load_course
from solutions import sparse_autoencoders as ref
from tests.demos import bars, curves, matrix, run_demo, title


@pytest.fixture(scope="module")
def chapter():
    return load_course().chapter("sparse_autoencoders")


@pytest.fixture
def show_demo(chapter, monkeypatch, capsys):
    """What the demo shows, and the lines that it prints."""

    def run(id):
        shown = run_demo(chapter, f"{id}-demo", monkeypatch)
        return shown, capsys.readouterr().out

    return run


def numbers(text: str) -> list[float]:
    return [float(n) for n in re.findall(r"-?\d+\.\d+", text)]


# --- what the pictures show ---


@pytest.mark.slow
def test_explaining_is_not_finding(show_demo):
    (figure,), _ = show_demo("match_features")
    untrained, cheap, dear = (numbers(frame["layout"]["title"]["text"]) for frame in figure["frames"])
    assert untrained[0] == pytest.approx(0.6, abs=0.06), "chance is far from 0"
    assert cheap[1] > 0.98 and cheap[0] < 0.75, "nearly all explained, hardly better than untrained"
    assert dear[1] == pytest.approx(0.83, abs=0.015) and dear[0] > 0.87
    assert title(figure).endswith("0.83"), "the slider starts at the dear one"
    diagonal = matrix(figure).diagonal()
    assert 0.6 < (diagonal > 0.9).float().mean() < 1, "a clean line with some gaps"


@pytest.mark.slow
def test_what_comes_for_free(chapter, show_demo):
    (figure,), _ = show_demo("frozen_decoder_baseline")
    explained, similarity = (list(group.values()) for group in bars(figure).values())
    question = chapter.predicts["frozen-for-free"]
    assert abs(question.answer - explained[1]) < question.tolerance
    assert explained[0] > 0.98 and explained[1] == pytest.approx(0.955, abs=0.015)
    assert explained[2] - explained[3] > 0.12, "at the higher price both numbers tell them apart"
    assert similarity[2] > 0.87 and similarity[1] == similarity[3] == pytest.approx(0.6, abs=0.04)


@pytest.mark.slow
def test_dead_and_resampled(show_demo):
    (figure,), printed = show_demo("resample_dead")
    (steps, alone), (_, helped) = curves(figure).values()
    assert alone[:8] == helped[:8], "the same run until the first resampling"
    after = [i for i, step in enumerate(steps) if step > 850]
    mean_alone, mean_helped = (sum(y[i] for i in after) / len(after) for y in (alone, helped))
    assert 7 < mean_alone < 14 and mean_helped < 0.55 * mean_alone
    assert max(helped[-5:]) > 0, "some die again"
    before, with_help = numbers(printed)
    assert with_help > before + 0.03


@pytest.mark.slow
def test_topk_finds_the_planted_features(show_demo):
    (figure,), printed = show_demo("topk")
    untrained, l1, topk = (sum(y) / len(y) for _, y in curves(figure).values())
    assert topk >= 0.97 and topk > l1 + 0.02 > untrained + 0.2
    assert sum(s > 0.95 for s in list(curves(figure).values())[2][1]) >= 36
    assert [round(numbers(line)[-2], 2) for line in printed.splitlines()][2] == round(topk, 2)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 3])
def test_topk_finds_them_from_other_starts_too(seed):
    truth = ref.toy_truth()
    torch.manual_seed(seed)
    state = ref.start_training(ref.SparseAutoencoder(10, 64, ref.TopK(1)), lr=1e-2)
    for until, lr in ((400, 1e-2), (1500, 3e-3)):
        state.optimizer.param_groups[0]["lr"] = lr
        ref.train_sae(state, ref.toy_batches(truth), ref.reconstruction_objective, until)
    assert ref.match_features(state.sae.W_dec, truth)[0].mean() >= 0.95


@pytest.mark.slow
def test_the_number_of_active_latents(show_demo):
    (figure,), printed = show_demo("batch_topk")
    expected, topk, batch = (list(group.values()) for group in bars(figure).values())
    assert expected[0] == pytest.approx(0.446, abs=0.001) and sum(expected[3:]) == pytest.approx(0.05, abs=0.01)
    assert topk[1] > 0.99, "one for everybody, empty vectors included"
    assert 0.4 < batch[0] < 0.7 and min(batch[:4]) > 0.04, "the number varies"
    (fve, match), (batch_fve, batch_match) = (numbers(line) for line in printed.splitlines())
    assert batch_fve >= fve and batch_match < match - 0.1, "no worse reconstruction, much worse features"
    assert int(re.findall(r"never active (\d+)", printed)[1]) > 32


def test_company_and_threshold(show_demo):
    (figure,), _ = show_demo("batch_topk_threshold")
    company, alone = (list(group.values()) for group in bars(figure).values())
    assert company[0] > company[1] > company[2] == 0
    assert len(set(alone)) == 1 and alone[0] >= 1


# --- the references' mathematics, by other means ---


def test_examples_of_the_text():
    truth, latents = torch.eye(2), torch.tensor([[8.0, 6.0], [3.0, -4.0]])
    similarity, index = ref.match_features(latents, truth)
    assert torch.allclose(similarity, torch.tensor([0.6, 0.6])) and index.tolist() == [1, 0]
    assert ref.topk(torch.tensor([3.0, -1, 2, -4, 1]), 2).tolist() == [3, 0, 2, 0, 0]
    assert ref.topk(torch.tensor([-2.0, 0.5, -1, -3, -6]), 2).tolist() == [0, 0.5, 0, 0, 0]
    batch = torch.tensor([[3.0, 2, -1], [1, 0.5, -2]])
    assert ref.batch_topk(batch, 1).tolist() == [[3, 2, 0], [0, 0, 0]]
    assert ref.batch_topk_threshold([batch, torch.tensor([[0.5, -1, 0.2]])], 1) == 1.25


@pytest.mark.parametrize("n_true, d_sae", [(4, 6), (5, 5), (5, 3)])
def test_match_features_against_all_pairings(n_true, d_sae):
    truth, latents = 3 * torch.randn(n_true, 3), 0.2 * torch.randn(d_sae, 3)
    cosine = F.cosine_similarity(truth[:, None], latents[None], dim=-1)
    table = cosine if n_true <= d_sae else cosine.T
    ways = permutations(range(table.shape[1]), len(table))
    best = max(sum(float(table[i, j]) for i, j in enumerate(way)) for way in ways)
    similarity, index = ref.match_features(latents, truth)
    assert float(similarity.sum()) == pytest.approx(best, abs=1e-5)
    paired = index >= 0
    assert torch.allclose(cosine[paired.nonzero().flatten(), index[paired]], similarity[paired])
    assert paired.sum() == min(n_true, d_sae) == len(set(index[paired].tolist()))


def test_resample_dead_slowly():
    torch.manual_seed(3)
    state = ref.start_training(ref.SparseAutoencoder(4, 7), lr=0.01)
    ref.train_sae(state, lambda step: torch.randn(16, 4) + 1, ref.l1_objective(0.1), 5)
    with torch.no_grad():
        for parameter in state.sae.parameters():
            parameter += 0.3 * torch.randn(parameter.shape)
    sae, adam = state.sae, state.optimizer.state
    x, dead = 2 * torch.randn(9, 4), torch.tensor([0, 1, 0, 0, 1, 1, 0]).bool()
    old = {name: value.detach().clone() for name, value in sae.named_parameters()}
    moments = {name: adam[p]["exp_avg_sq"].clone() for name, p in sae.named_parameters()}
    chances = []
    for row in x:
        chances.append(((row - sae(row)) ** 2).sum().item() ** 2)
    drawn = torch.multinomial(torch.tensor(chances), 3, True, generator=torch.Generator().manual_seed(8)).tolist()
    ref.resample_dead(state, x, dead, torch.Generator().manual_seed(8))
    mean = sum(float(old["W_enc"][:, j].norm()) for j in (0, 2, 3, 6)) / 4
    for j in range(7):
        v = old["W_dec"][j]
        w, b = old["W_enc"][:, j], old["b_enc"][j]
        if dead[j]:
            v = x[drawn.pop(0)] - old["b_dec"]
            v = v / v.norm()
            w, b = 0.2 * mean * v, torch.tensor(0.0)
        assert torch.allclose(sae.W_dec[j], v) and torch.allclose(sae.W_enc[:, j], w, atol=1e-6)
        assert torch.allclose(sae.b_enc[j], b)
        kept = 0.0 if dead[j] else 1.0
        assert torch.equal(adam[sae.W_dec]["exp_avg_sq"][j], kept * moments["W_dec"][j])
        assert torch.equal(adam[sae.W_enc]["exp_avg_sq"][:, j], kept * moments["W_enc"][:, j])
    assert torch.equal(sae.b_dec, old["b_dec"]) and (state.idle[dead] == 0).all()


def test_a_frozen_decoder_is_random_and_stays():
    torch.manual_seed(4)
    sae = ref.SparseAutoencoder(6, 9)
    twins = [
        ref.frozen_decoder_baseline(
            sae, lambda step: torch.randn(8, 6), ref.l1_objective(0.1), until, 0.05, torch.Generator().manual_seed(1)
        )
        for until in (0, 10)
    ]
    assert torch.equal(twins[0].W_dec, twins[1].W_dec) and not torch.allclose(twins[0].W_dec, sae.W_dec)
    for name in ("W_enc", "b_enc", "b_dec"):
        assert not torch.allclose(getattr(twins[0], name), getattr(twins[1], name))


@pytest.mark.tools
@pytest.mark.xdist_group("tools")
def test_topk_as_saelens_has_it():
    topk = pytest.importorskip("sae_lens.saes.topk_sae").TopK
    batch_topk = pytest.importorskip("sae_lens.saes.batchtopk_sae").BatchTopK
    for shape, k in (((6, 11), 3), ((2, 5, 9), 2)):
        pre = torch.randn(shape)
        assert torch.equal(ref.topk(pre, k), topk(k)(pre))
        assert torch.equal(ref.batch_topk(pre, k), batch_topk(k)(pre))


@pytest.mark.tools
@pytest.mark.xdist_group("tools")
def test_the_threshold_is_what_saelens_averages():
    """SAELens moves its threshold towards each batch's smallest positive activation; ours is their plain mean."""
    pytest.importorskip("sae_lens")
    from sae_lens.saes.batchtopk_sae import BatchTopKTrainingSAE, BatchTopKTrainingSAEConfig

    sae = BatchTopKTrainingSAE(BatchTopKTrainingSAEConfig(d_in=4, d_sae=9, k=2, topk_threshold_lr=1.0))
    batches, seen = [torch.randn(n, 9) for n in (5, 8)], []
    for pre in batches:
        sae.update_topk_threshold(ref.batch_topk(pre, 2))
        seen.append(float(sae.topk_threshold))
    assert ref.batch_topk_threshold(batches, 2) == pytest.approx(sum(seen) / 2)
