"""Chapter 5, section 6 (SAELens's files, Neuronpedia's pages): its pictures, and the mathematics of reading."""

import importlib.util
import json
import re
import socket

import pytest
import torch

from dojo.course.load import load_course
from dojo.models import sae_path
from graders.sparse_autoencoders.saelens import activations
from solutions import sparse_autoencoders as reference
from tests.demos import bars, run_demo


@pytest.fixture(scope="module")
def chapter():
    return load_course().chapter("sparse_autoencoders")


@pytest.fixture
def show_demo(chapter, monkeypatch):
    def no_network(*args, **kwargs):
        raise AssertionError("a demo asked for the network")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    return lambda id, **settings: run_demo(chapter, id, monkeypatch, **settings)


def demo_titled(chapter, title):
    return next(id for id, demo in chapter.demos.items() if demo.title == title)


def test_what_the_files_hold(show_demo, capsys):
    (figure,) = show_demo("to_saelens-demo")
    found = bars(figure)
    assert list(found) == ["ReLU: standard", "TopK: topk", "BatchTopK: jumprelu", "Gated: gated"]
    assert found["ReLU: standard"]["W_dec"] == found["ReLU: standard"]["W_enc"] == 400
    assert found["BatchTopK: jumprelu"]["threshold"] == 40 and found["TopK: topk"]["threshold"] == 0
    small = {name: sum(v for key, v in held.items() if not key.startswith("W")) for name, held in found.items()}
    assert max(small.values()) <= 130, "the two matrices are nearly all of it"
    assert json.loads(capsys.readouterr().out)["architecture"] == "gated"


def test_there_and_back(show_demo, capsys):
    assert show_demo("from_saelens-demo") == []
    _, *rows = capsys.readouterr().out.strip().splitlines()
    cells = [row.split() for row in rows]
    assert [(a, b) for a, b, *_ in cells] == [
        ("ReLU", "ReLU"),
        ("TopK", "TopK"),
        ("JumpReLU", "JumpReLU"),
        ("BatchTopK", "JumpReLU"),
        ("Gated", "GatedAutoencoder"),
    ]
    for _, _, active, f, x_hat in cells:
        assert 1 < float(active) < 30
        assert float(f) < 2e-6 and float(x_hat) < 1e-5, "all differences are rounding"


def test_four_readings(chapter, show_demo):
    (figure,) = show_demo(demo_titled(chapter, "Four readings, no error"))
    (found,) = bars(figure).values()
    right, relu, shifted, layer_2 = found.values()
    assert right == pytest.approx(0.91, abs=0.01)
    assert layer_2 == pytest.approx(0.85, abs=0.02), "what the prediction says"
    assert 0.8 < relu < right and shifted < 0, "only one of the three shouts"
    numbers = [int(re.search(r"L0 (\d+)", name)[1]) for name in found]
    assert numbers[0] == numbers[2] == numbers[3] == 16 and numbers[1] > 40


def test_a_page(show_demo, capsys):
    figure, *examples = show_demo("parse_neuronpedia-demo")
    (found,) = bars(figure).values()
    assert list(found)[:3] == ["'ion'", "'ions'", "'ive'"] and list(found.values()) == sorted(
        found.values(), reverse=True
    )
    assert len(examples) == 6
    plain = [re.sub("<[^>]*>", "", example) for example in examples]
    for text, words in zip(
        plain, ("natural defects in", "attentions", "transgress the", "motives", "quest of", "discretion"), strict=True
    ):
        assert words in text
    said = capsys.readouterr().out
    assert "small-lm / 3-res-dojo / 724: active on 0.99% of the tokens" in said


def test_nobody_is_asked_unless_it_is_switched_on(chapter, show_demo):
    (text,) = show_demo(demo_titled(chapter, "A real page, if you switch it on"))
    assert "nobody was asked" in text and "iframe" not in text


def test_a_real_page(chapter, monkeypatch):
    """With the switch on: the answer is drawn, and the page embedded; without a network there is one sentence."""
    from dojo import neuronpedia

    page = json.loads((sae_path("small-lm-sae") / "neuronpedia.json").read_text(encoding="utf-8"))
    id = demo_titled(chapter, "A real page, if you switch it on")
    monkeypatch.setattr(neuronpedia, "fetch_feature", lambda *name: page)
    *_, frame = run_demo(chapter, id, monkeypatch, LIVE_FEATURE=("gpt2-small", "8-res-jb", 100))
    assert 'src="https://www.neuronpedia.org/gpt2-small/8-res-jb/100?embed=true"' in frame

    def unreachable(*name):
        raise neuronpedia.NeuronpediaError("Neuronpedia cannot be reached.")

    monkeypatch.setattr(neuronpedia, "fetch_feature", unreachable)
    (text,) = run_demo(chapter, id, monkeypatch, LIVE_FEATURE=("gpt2-small", "8-res-jb", 100))
    assert "cannot be reached" in text


def test_the_prose_s_examples_by_hand(tmp_path):
    sae = reference.SparseAutoencoder(2, 3, reference.BatchTopK(1))
    sae.activation.threshold.fill_(0.6)
    reference.to_saelens(sae, tmp_path, "here")
    cfg = json.loads((tmp_path / "cfg.json").read_text())
    assert (cfg["architecture"], cfg["d_in"], cfg["d_sae"]) == ("jumprelu", 2, 3) and "k" not in cfg
    weights = reference.load_file(tmp_path / "sae_weights.safetensors")
    assert torch.allclose(weights["threshold"], torch.full((3,), 0.6))

    tensors = {"W_enc": [[1.0, 2.0]], "b_enc": [0.0, 0.0], "W_dec": [[1.0], [1.0]], "b_dec": [3.0]}
    reference.save_file({n: torch.tensor(v) for n, v in tensors.items()}, tmp_path / "sae_weights.safetensors")
    (tmp_path / "cfg.json").write_text('{"architecture": "standard", "apply_b_dec_to_input": false}')
    sae = reference.from_saelens(tmp_path)
    assert sae.b_enc.tolist() == [3, 6] and sae.encode(torch.tensor([4.0])).tolist() == [4, 8]

    page = {"modelId": "gpt2-small", "layer": "8-res-jb", "index": "7", "pos_str": [" sea"], "pos_values": [2]}
    page = reference.parse_neuronpedia(page | {"activations": None})
    assert page == reference.FeaturePage("gpt2-small", "8-res-jb", 7, 0.0, 0.0, [(" sea", 2.0)], [], [], [])


def test_the_graders_oracle_is_the_chapter_s_definition():
    """The oracle's loops against the modules of the chapter, where no setting has to be folded."""
    torch.manual_seed(0)
    x = torch.randn(8, 5)
    gated = reference.GatedAutoencoder(5, 7)
    for parameter in gated.parameters():
        parameter.data += 0.3 * torch.randn(parameter.shape)
    f, x_hat = activations({"architecture": "gated"}, gated.state_dict(), x)
    assert torch.allclose(f, gated.encode(x), atol=1e-5) and torch.allclose(x_hat, gated(x), atol=1e-5)
    topk = reference.SparseAutoencoder(5, 7, reference.TopK(2))
    topk.b_dec.data += 0.5
    f, x_hat = activations({"architecture": "topk", "k": 2}, topk.state_dict(), x)
    assert torch.allclose(f, topk.encode(x), atol=1e-5) and torch.allclose(x_hat, topk(x), atol=1e-5)


def test_the_shipped_page_has_the_shape_of_neuronpedia_s():
    page = json.loads((sae_path("small-lm-sae") / "neuronpedia.json").read_text(encoding="utf-8"))
    assert "not come from Neuronpedia" in page["madeBy"]
    assert isinstance(page["index"], str) and page["modelId"] == "small-lm"
    for side in ("pos", "neg"):
        assert len(page[f"{side}_str"]) == len(page[f"{side}_values"]) == 10
    for one in page["activations"]:
        assert len(one["tokens"]) == len(one["values"]) and max(one["values"]) == one["maxValue"]
        assert one["values"].index(one["maxValue"]) == one["maxValueTokenIndex"]
    assert len(page["freq_hist_data_bar_heights"]) == len(page["freq_hist_data_bar_values"])


@pytest.mark.slow
def test_the_shipped_page_is_what_its_script_computes():
    path = sae_path("small-lm-sae") / "neuronpedia.py"
    spec = importlib.util.spec_from_file_location("neuronpedia_page", path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    old, new = (
        json.loads((path.parent / "neuronpedia.json").read_text(encoding="utf-8")),
        script.response(script.FEATURE, ""),
    )
    assert old.keys() == new.keys()
    for key in ("frac_nonzero", "maxActApprox"):
        assert new[key] == pytest.approx(old[key], rel=0.01)
    assert new["pos_str"] == old["pos_str"]
    assert [e["tokens"] for e in new["activations"]] == [e["tokens"] for e in old["activations"]]
