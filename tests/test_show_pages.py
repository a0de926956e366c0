"""What the explore pages compute: on a model whose circuit is known, and on the checkpoints that are shipped."""

from __future__ import annotations

import json

import pytest

from dojo.explore import patching
from dojo.explore.patching import HEADS, RESIDUAL, Setting, experiment
from dojo.models import model_path


@pytest.fixture(scope="module")
def known():
    return experiment(Setting("known-circuit", io="Anna", subject="Omar"))


def test_the_prompts_are_as_chosen(known):
    clean, corrupted = (" ".join(word.strip() for word in known.strings[run]) for run in ("clean", "corrupted"))
    assert "Anna and Omar" in clean and clean.count("Omar") == 2
    assert corrupted.count("Anna") == 2 and corrupted.count("Omar") == 1
    assert known.differences["clean"] > 1 and known.differences["corrupted"] < -1
    other = experiment(Setting("known-circuit", order="BABA", io="Anna", subject="Omar"))
    assert "Omar and Anna" in " ".join(word.strip() for word in other.strings["clean"])


def test_the_map_of_heads_shows_the_circuit_that_is_there(known):
    circuit = json.loads((model_path("known-circuit") / "circuit.json").read_text(encoding="utf-8"))
    found = {(i, j) for i, row in enumerate(known.effects(HEADS)) for j, effect in enumerate(row) if abs(effect) > 0.1}
    assert found == {tuple(head["head"]) for head in circuit["heads"]}


def test_the_map_of_the_stream_moves_from_the_second_subject_to_the_end(known):
    effects, at = known.effects(RESIDUAL), known.prompts.positions
    assert effects[0][at["S2"]] == pytest.approx(1, abs=1e-3) and abs(effects[0][at["END"]]) < 1e-3
    assert effects[-1][at["END"]] == pytest.approx(1, abs=0.02) and abs(effects[-1][at["S2"]]) < 0.02


@pytest.mark.parametrize("mode", patching.MODES)
@pytest.mark.parametrize("site", patching.SITES)
def test_a_cell_is_what_the_map_says(mode, site):
    run = experiment(Setting("known-circuit", mode=mode))
    for layer, column in [(0, 1), (1, 2), (2, 3)]:
        cell = run.cell(site, layer, column)
        assert cell.effect == pytest.approx(run.effects(site)[layer][column], abs=1e-3)
        assert (cell.attention is None) == (site == RESIDUAL)
        assert [p for _, p in cell.after] == sorted((p for _, p in cell.after), reverse=True)


def test_denoising_brings_the_clean_answer_and_noising_takes_it():
    at = experiment(Setting("known-circuit")).prompts.positions["S2"]
    denoised = experiment(Setting("known-circuit")).cell(RESIDUAL, 0, at)
    noised = experiment(Setting("known-circuit", mode="noising")).cell(RESIDUAL, 0, at)
    assert (denoised.before[0][0].strip(), denoised.after[0][0].strip()) == ("John", "Mary")
    assert (noised.before[0][0].strip(), noised.after[0][0].strip()) == ("Mary", "John")
    assert denoised.effect > 0.9 and noised.effect < -0.9


@pytest.mark.parametrize("model", patching.models())
def test_every_name_and_sentence_can_be_patched(model):
    names = patching.names(model)
    assert len(names) >= 12
    for sentence in range(3):
        run = experiment(Setting(model, io=names[-1], subject=names[0], sentence=sentence))
        assert run.differences["clean"] > run.differences["corrupted"]


@pytest.mark.slow
def test_two_layers_have_a_phase_change_and_one_has_none():
    from dojo.explore import phase

    told = []
    two, one = (
        phase.measure("induction", lambda done, total: told.append((done, total))),
        phase.measure("induction-1-layer"),
    )
    assert len(two.steps) >= 20 and told == [(i, len(two.steps)) for i in range(len(two.steps))]
    assert two.rise is not None and two.steps[0] < two.rise < two.steps[-1] and one.rise is None
    before, after = two.steps.index(max(s for s in two.steps if s < two.rise)), -1
    assert two.scores[phase.INDUCTION][before] < 0.5 < 0.8 < two.scores[phase.INDUCTION][after]
    assert two.losses[phase.LOSS][after] < 0.5 * two.losses[phase.LOSS][0] and two.losses[phase.CONTEXT][after] < -1
    assert max(one.scores[phase.INDUCTION]) < 0.3
    assert two.patterns.shape == (len(two.steps), 8, 17, 17) and one.patterns.shape[1] == 4
    assert len(two.figure.frames) == len(two.steps)
