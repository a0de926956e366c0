"""from_saelens: files are written on the learner's side, and what is read from them must compute what SAELens computes.

The oracle (graders/sparse_autoencoders/saelens.py) is SAELens's arithmetic, one latent at a time; tests/test_sae_saelens.py holds
the reference against the library itself.
"""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from dojo.grading import compare, mistake, raises
from graders.sparse_autoencoders.saelens import activations
from solutions.sparse_autoencoders import BatchTopK, GatedAutoencoder, JumpReLU, SparseAutoencoder, TopK

D_IN, D_SAE, K = 4, 7, 2
KINDS = ["standard", "topk", "batchtopk", "jumprelu", "gated"]
RESCALED = ("topk", "batchtopk")


def draw(rand, kind):
    weights = {
        "W_enc": rand.normal(D_IN, D_SAE),
        "W_dec": rand.normal(D_SAE, D_IN) * rand.uniform(D_SAE, 1, low=0.5, high=2.0),
        "b_dec": rand.normal(D_IN),
    }
    for name in ("b_gate", "r_mag", "b_mag") if kind == "gated" else ("b_enc",):
        weights[name] = rand.normal(D_SAE, std=0.7)
    if kind == "jumprelu":
        weights["threshold"] = rand.uniform(D_SAE, low=0.3, high=1.5)
    if kind == "batchtopk":
        weights["topk_threshold"] = 0.7 + rand.uniform(1).double()[0]
    return weights


def config(kind, **changes):
    cfg = {
        "architecture": kind,
        "d_in": D_IN,
        "d_sae": D_SAE,
        "dtype": "float32",
        "device": "cpu",
        "apply_b_dec_to_input": True,
        "normalize_activations": "none",
        "reshape_activations": "none",
        "metadata": {"sae_lens_version": "6.54.12", "hook_name": "blocks.3.hook_resid_pre"},
    }
    if kind in ("topk", "batchtopk"):
        cfg |= {"k": float(K) if kind == "batchtopk" else K, "rescale_acts_by_decoder_norm": False}
    return cfg | changes


def read(submission, kit, cfg, weights, x, **how):
    found = kit.read(submission.from_saelens, cfg, weights, x, **how)
    assert "problem" not in found, found["problem"]
    return found


def check(submission, kit, rand, cfg, weights, x=None, **how):
    x = 2 * rand.normal(9, D_IN) if x is None else x
    found = read(submission, kit, cfg, weights, x, **how)
    f, x_hat = activations(cfg, weights, x)
    compare(found["f"], f, what="the tensor of activations", axes="batch latent", atol=2e-4)
    compare(found["x_hat"], x_hat, what="the tensor of reconstructions", axes="batch d_in", atol=1e-3)
    compare(found["both"], x_hat, what="the tensor of reconstructions by sae(x)", axes="batch d_in", atol=1e-3)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_our_own_conventions(submission, kit, rand, kind):
    """With settings that are ours, activations and reconstructions are SAELens's."""
    check(submission, kit, rand, config(kind), draw(rand, kind))


@pytest.mark.parametrize("kind", KINDS)
def test_b_dec_is_not_subtracted(submission, kit, rand, kind):
    """Where apply_b_dec_to_input is false, b_dec is not subtracted before the encoder, and still added after the decoder."""
    check(submission, kit, rand, config(kind, apply_b_dec_to_input=False), draw(rand, kind))


@pytest.mark.parametrize("kind", ["topk", "batchtopk"])
def test_rescaled_by_the_decoder(submission, kit, rand, kind):
    """Where rescale_acts_by_decoder_norm is true, activations are measured in lengths of the decoder's rows."""
    check(submission, kit, rand, config(kind, rescale_acts_by_decoder_norm=True), draw(rand, kind))


@pytest.mark.parametrize("kind", ["topk", "batchtopk"])
def test_both_settings(submission, kit, rand, kind):
    """Both settings may come together."""
    cfg = config(kind, rescale_acts_by_decoder_norm=True, apply_b_dec_to_input=False)
    check(submission, kit, rand, cfg, draw(rand, kind))


@pytest.mark.parametrize("kind", ["standard", "topk", "batchtopk", "gated"])
def test_settings_that_are_missing(submission, kit, rand, kind):
    """Keys may be missing: b_dec is subtracted then, nothing is rescaled or normalised. The folder may be a text."""
    cfg = {"architecture": kind} | ({"k": K} if "topk" in kind else {})
    check(submission, kit, rand, cfg, draw(rand, kind), as_text=True)


def test_further_keys(submission, kit, rand):
    """Keys that say how it was trained do not matter."""
    cfg = config("standard", l1_coefficient=1.0, lp_norm=1.0, decoder_init_norm=0.1, l1_warm_up_steps=0)
    check(submission, kit, rand, cfg, draw(rand, "standard"))


def test_thresholds_of_zero(submission, kit, rand):
    """A threshold of 0 is a ReLU, not nan."""
    weights = draw(rand, "jumprelu")
    weights["threshold"][::2] = 0
    weights["b_enc"] *= 0.05  # small pre-activations, for which a threshold just above 0 makes a difference
    check(submission, kit, rand, config("jumprelu"), weights, weights["b_dec"] + 0.02 * rand.normal(9, D_IN))


@pytest.mark.parametrize(
    "kind, dtype",
    [
        ("standard", "float16"),
        ("topk", "bfloat16"),
        ("batchtopk", "float64"),
        ("jumprelu", "float64"),
        ("gated", "float16"),
    ],
)
def test_other_dtypes(submission, kit, rand, kind, dtype):
    """Files in another precision are read into float32."""
    weights = {name: value.to(getattr(torch, dtype)) for name, value in draw(rand, kind).items()}
    found = check(submission, kit, rand, config(kind, dtype=dtype), weights)
    compare(found["dtypes"], ["torch.float32"], what="the list of dtypes in the autoencoder")


@pytest.mark.parametrize("kind", ["topk", "batchtopk", "gated"])
def test_in_evaluation(submission, kit, rand, kind):
    """The autoencoder is in evaluation mode, so what one input gives does not depend on the others."""
    weights, x = draw(rand, kind), 2 * rand.normal(9, D_IN)
    found = read(submission, kit, config(kind), weights, x[:1])
    compare(found["training"], False, what="`sae.training`")
    f = activations(config(kind), weights, x)[0]
    compare(found["f"], f[:1], what="the tensor of activations of one input", axes="batch latent", atol=2e-4)


@pytest.mark.parametrize("name", ["layer_norm", "expected_average_only_in", "constant_norm_rescale"])
def test_a_normalisation(submission, kit, rand, name):
    """Inputs that SAELens would normalise raise a ValueError that names the normalisation."""
    cfg = config("standard", normalize_activations=name)
    check_refusal(submission, kit, cfg, draw(rand, "standard"), rand.normal(2, D_IN), name)


@pytest.mark.parametrize("name", ["transcoder", "matryoshka_batchtopk", "abstopk"])
def test_another_architecture(submission, kit, rand, name):
    """An architecture that is not among the five raises a ValueError that names it."""
    cfg = config(name, **({} if name == "transcoder" else {"k": K}))
    check_refusal(
        submission, kit, cfg, draw(rand, "batchtopk" if "batch" in name else "standard"), rand.normal(2, D_IN), name
    )


def test_a_rescaling_that_is_not_theirs(submission, kit, rand):
    """rescale_acts_by_decoder_norm is a setting of topk and batchtopk: for others it does not matter."""
    cfg, weights, x = config("standard"), draw(rand, "standard"), 2 * rand.normal(9, D_IN)
    found = read(submission, kit, cfg | {"rescale_acts_by_decoder_norm": True}, weights, x)
    compare(
        found["f"], activations(cfg, weights, x)[0], what="the tensor of activations", axes="batch latent", atol=2e-4
    )


@pytest.mark.parametrize("kind", KINDS)
def test_what_it_is(submission, kit, rand, kind):
    """The autoencoder is of the chapter's classes, its k is a whole number, its thresholds are those of the file."""
    weights = draw(rand, kind)
    if kind == "jumprelu":
        weights["threshold"][::2] = torch.tensor([0.0, 1e-3, 0.0, 2.0])
    found = read(submission, kit, config(kind), weights, rand.normal(2, D_IN))
    whole, part = found["kinds"]
    wanted = "GatedAutoencoder" if kind == "gated" else "SparseAutoencoder"
    assert wanted in whole, f"For {kind!r} a `{wanted}` is expected, and you return a `{whole[0]}`."
    if kind != "gated":
        wanted = {"standard": "ReLU", "topk": "TopK", "batchtopk": "BatchTopK", "jumprelu": "JumpReLU"}[kind]
        assert wanted in part, f"For {kind!r} `sae.activation` should be a `{wanted}`, and yours is a `{part[0]}`."
    if kind in ("topk", "batchtopk"):
        assert type(found["k"]) is int, f"`sae.activation.k` is {found['k']!r}, expected the whole number {K}."
        compare(found["k"], K, what="`sae.activation.k`")
    if kind in ("jumprelu", "batchtopk"):
        expected = weights["threshold" if kind == "jumprelu" else "topk_threshold"].float()
        compare(found["threshold"], expected, what="`sae.activation.threshold`", atol=1e-7)
    if kind == "batchtopk":
        assert found["stored"], (
            "`sae.activation.threshold` is no buffer any more: it would not be saved. Write into it."
        )


def check_refusal(submission, kit, cfg, weights, x, name):
    with raises("ValueError"):
        kit.read(submission.from_saelens, cfg, weights, x)
    said = kit.refusal_of_files(submission.from_saelens, cfg, weights)
    assert name in said, f"The error's message should name what it is about, {name!r}; it is: {said}"


@pytest.mark.parametrize("missing", ["cfg.json", "sae_weights.safetensors"])
def test_a_file_is_missing(submission, kit, rand, missing):
    """Without one of the two files there is a FileNotFoundError."""
    cfg, weights = config("topk"), draw(rand, "topk")
    with raises("FileNotFoundError"):
        kit.read(
            submission.from_saelens,
            {} if missing == "cfg.json" else cfg,
            {} if missing != "cfg.json" else weights,
            rand.normal(2, D_IN),
        )


def assemble(folder, config=None, tensors=None, folded=True, convert=lambda value: value.float(), finish=None):
    """The reference, with `config` and `tensors` (functions that change a dict) before what is known to go wrong."""
    cfg = json.loads((Path(folder) / "cfg.json").read_text())
    w = {name: convert(value) for name, value in load_file(Path(folder) / "sae_weights.safetensors").items()}
    if config:
        config(cfg)
    architecture = cfg["architecture"]
    if cfg.get("normalize_activations", "none") != "none":
        raise ValueError(f"This autoencoder normalises its inputs ({cfg['normalize_activations']}).")
    if architecture not in KINDS:
        raise ValueError(f"The architecture {architecture} is not known.")
    rescaled = folded and architecture in RESCALED and cfg.get("rescale_acts_by_decoder_norm", False)
    if rescaled:
        length = w["W_dec"].norm(dim=-1)
        w |= {"W_enc": w["W_enc"] * length, "b_enc": w["b_enc"] * length, "W_dec": w["W_dec"] / length[:, None]}
    if folded and not cfg.get("apply_b_dec_to_input", True):
        shift = w["b_dec"] @ w["W_enc"]
        if architecture == "gated":
            w |= {"b_gate": w["b_gate"] + shift, "b_mag": w["b_mag"] + shift * w["r_mag"].exp()}
        else:
            w["b_enc"] = w["b_enc"] + shift
    if tensors:
        tensors(w, cfg)
    d_sae, d_in = w["W_dec"].shape
    if architecture == "gated":
        sae = GatedAutoencoder(d_in, d_sae)
    else:
        activation = {
            "standard": lambda: None,
            "topk": lambda: TopK(cfg["k"]),
            "batchtopk": lambda: BatchTopK(int(cfg["k"])),
            "jumprelu": lambda: JumpReLU(d_sae),
        }[architecture]()
        sae = SparseAutoencoder(d_in, d_sae, activation)
        if "topk_threshold" in w:
            w["activation.threshold"] = w.pop("topk_threshold")
        if "threshold" in w:
            w["activation.log_threshold"] = w.pop("threshold").log()
    sae.load_state_dict({name: value for name, value in w.items() if name in sae.state_dict()})
    return (finish or torch.nn.Module.eval)(sae)


# Those that are wrong in fewer places come first.


@mistake(
    "k stays 16.0, which is no number of latents: make it a whole number, for BatchTopK counts with it in training."
)
def k_as_written(folder):
    def finish(sae):
        if type(getattr(sae, "activation", None)) is BatchTopK:
            sae.activation.k = float(sae.activation.k)
        return sae.eval()

    return assemble(folder, finish=finish)


@mistake("k of BatchTopK is not read: in evaluation it has no effect, but training could not go on.")
def k_of_batchtopk_not_read(folder):
    def finish(sae):
        if type(getattr(sae, "activation", None)) is BatchTopK:
            sae.activation.k = 1
        return sae.eval()

    return assemble(folder, finish=finish)


@mistake("The threshold of BatchTopK is a plain number now, which is not saved with the rest: write into the buffer.")
def threshold_without_a_buffer(folder):
    def finish(sae):
        if type(getattr(sae, "activation", None)) is BatchTopK:
            value = sae.activation.threshold.item()
            del sae.activation.threshold
            sae.activation.threshold = value
        return sae.eval()

    return assemble(folder, finish=finish)


@mistake(
    "batchtopk is read as JumpReLU: in evaluation that computes the same, but it is to be a BatchTopK, with its k."
)
def batchtopk_as_jumprelu(folder):
    def finish(sae):
        if type(getattr(sae, "activation", None)) is BatchTopK:
            sae.activation = JumpReLU(len(sae.W_dec), sae.activation.threshold.item())
        return sae.eval()

    return assemble(folder, finish=finish)


@mistake("rescale_acts_by_decoder_norm is a setting of topk and batchtopk: elsewhere it does not matter.")
def rescales_everything(folder):
    def tensors(w, cfg):
        if cfg["architecture"] not in RESCALED and "b_enc" in w and cfg.get("rescale_acts_by_decoder_norm"):
            length = w["W_dec"].norm(dim=-1)
            w |= {"W_enc": w["W_enc"] * length, "b_enc": w["b_enc"] * length, "W_dec": w["W_dec"] / length[:, None]}

    return assemble(folder, tensors=tensors)


@mistake("A threshold of 0 becomes a small positive one: log(0) = -inf needs no help, for exp(-inf) is 0 again.")
def threshold_nearly_zero(folder):
    def tensors(w, cfg):
        if "threshold" in w:
            w["threshold"] = w["threshold"].clamp(min=1e-5)

    return assemble(folder, tensors=tensors)


@mistake(
    "With both settings, b_dec goes through the W_enc of before the rescaling. Fold the lengths in first, then b_dec."
)
def shift_before_the_rescaling(folder):
    def tensors(w, cfg):
        if cfg.get("rescale_acts_by_decoder_norm") and not cfg.get("apply_b_dec_to_input", True):
            original = load_file(Path(folder) / "sae_weights.safetensors")["W_enc"].float()
            w["b_enc"] = w["b_enc"] - w["b_dec"] @ w["W_enc"] + w["b_dec"] @ original

    return assemble(folder, tensors=tensors)


@mistake("A gated autoencoder has two biases in its encoder: the bias of the magnitude needs its share of b_dec, too.")
def gate_only(folder):
    def tensors(w, cfg):
        if "b_mag" in w and not cfg.get("apply_b_dec_to_input", True):
            w["b_mag"] = w["b_mag"] - w["b_dec"] @ w["W_enc"] * w["r_mag"].exp()

    return assemble(folder, tensors=tensors)


@mistake("A gated autoencoder has two biases in its encoder: the bias of the gate needs its share of b_dec, too.")
def magnitude_only(folder):
    def tensors(w, cfg):
        if "b_mag" in w and not cfg.get("apply_b_dec_to_input", True):
            w["b_gate"] = w["b_gate"] - w["b_dec"] @ w["W_enc"]

    return assemble(folder, tensors=tensors)


@mistake(
    "The magnitude's encoder is W_enc times exp(r_mag), so b_dec's share of b_mag is b_dec W_enc times exp(r_mag)."
)
def magnitude_without_r_mag(folder):
    def tensors(w, cfg):
        if "b_mag" in w and not cfg.get("apply_b_dec_to_input", True):
            shift = w["b_dec"] @ w["W_enc"]
            w["b_mag"] = w["b_mag"] - shift * w["r_mag"].exp() + shift

    return assemble(folder, tensors=tensors)


@mistake(
    "A threshold of 0 becomes a small positive one, or its latent is never active. log(0) = -inf is right: exp(-inf) = 0."
)
def threshold_at_least_a_tenth(folder):
    def tensors(w, cfg):
        if "threshold" in w:
            w["threshold"] = w["threshold"].clamp(min=0.1)

    return assemble(folder, tensors=tensors)


@mistake(
    "apply_b_dec_to_input is not looked at: where it is false, our encoder must not feel b_dec. Add b_dec W_enc to b_enc."
)
def b_dec_setting_ignored(folder):
    return assemble(folder, config=lambda cfg: cfg.pop("apply_b_dec_to_input", None))


@mistake("The sign of the shift is wrong: our encoder subtracts b_dec W_enc, so b_enc must be larger by it.")
def shift_has_the_wrong_sign(folder):
    def tensors(w, cfg):
        if not cfg.get("apply_b_dec_to_input", True):
            shift = 2 * w["b_dec"] @ w["W_enc"]
            if "b_gate" in w:
                w |= {"b_gate": w["b_gate"] - shift, "b_mag": w["b_mag"] - shift * w["r_mag"].exp()}
            else:
                w["b_enc"] = w["b_enc"] - shift

    return assemble(folder, tensors=tensors)


@mistake("b_dec is set to 0 where the encoder should not subtract it; then the decoder does not add it either.")
def b_dec_dropped(folder):
    def tensors(w, cfg):
        if not cfg.get("apply_b_dec_to_input", True):
            w["b_dec"] = torch.zeros_like(w["b_dec"])

    def config(cfg):
        cfg.setdefault("apply_b_dec_to_input", True)

    return assemble(folder, config, tensors)


@mistake("Without the key apply_b_dec_to_input, b_dec IS subtracted: `cfg.get('apply_b_dec_to_input', True)`.")
def b_dec_not_subtracted_by_default(folder):
    return assemble(folder, config=lambda cfg: cfg.setdefault("apply_b_dec_to_input", False))


@mistake("Without the key rescale_acts_by_decoder_norm nothing is rescaled: its default is false.")
def rescaled_by_default(folder):
    def config(cfg):
        if "topk" in cfg["architecture"]:
            cfg.setdefault("rescale_acts_by_decoder_norm", True)

    return assemble(folder, config)


@mistake("rescale_acts_by_decoder_norm is not looked at: multiply W_enc's columns and b_enc by the decoder's lengths.")
def rescaling_ignored(folder):
    return assemble(folder, config=lambda cfg: cfg.pop("rescale_acts_by_decoder_norm", None))


def undone(*names):
    """The rescaling, except for these tensors."""

    def tensors(w, cfg):
        if cfg.get("rescale_acts_by_decoder_norm"):
            shift = 0 if cfg.get("apply_b_dec_to_input", True) else w["b_dec"] @ w["W_enc"]
            length = tensors.lengths
            if "W_dec" in names:
                w["W_dec"] = w["W_dec"] * length[:, None]
            if "b_enc" in names:
                w["b_enc"] = (w["b_enc"] - shift) / length + shift
            if "W_enc" in names:
                w["W_enc"] = w["W_enc"] / length
                w["b_enc"] = w["b_enc"] - shift + shift / length

    return tensors


def lengths_of(folder):
    return load_file(Path(folder) / "sae_weights.safetensors")["W_dec"].float().norm(dim=-1)


@mistake(
    "The activations are rescaled, and the decoder is not: it must divide by the lengths, so its rows get length 1."
)
def decoder_not_rescaled(folder):
    tensors = undone("W_dec")
    tensors.lengths = lengths_of(folder)
    return assemble(folder, tensors=tensors)


@mistake("b_enc is part of the pre-activation: it is multiplied by the decoder's lengths, too.")
def bias_not_rescaled(folder):
    tensors = undone("b_enc")
    tensors.lengths = lengths_of(folder)
    return assemble(folder, tensors=tensors)


@mistake("Only the bias and the decoder are rescaled: W_enc's columns are multiplied by the decoder's lengths, too.")
def encoder_not_rescaled(folder):
    tensors = undone("W_enc")
    tensors.lengths = lengths_of(folder)
    return assemble(folder, tensors=tensors)


@mistake("topk_threshold is compared with activations that are rescaled already: it stays as it is.")
def threshold_rescaled(folder):
    def tensors(w, cfg):
        if "topk_threshold" in w and cfg.get("rescale_acts_by_decoder_norm"):
            w["topk_threshold"] = w["topk_threshold"] * lengths_of(folder).mean()

    return assemble(folder, tensors=tensors)


@mistake("The threshold is put where its logarithm belongs: log_threshold = log(threshold).")
def threshold_as_its_logarithm(folder):
    def tensors(w, cfg):
        if "threshold" in w:
            w["threshold"] = w["threshold"].exp()

    return assemble(folder, tensors=tensors)


@mistake("The thresholds of jumprelu are not read: JumpReLU keeps those that it starts with.")
def thresholds_not_read(folder):
    def tensors(w, cfg):
        if "threshold" in w:
            w["threshold"] = torch.full_like(w["threshold"], 0.1)

    return assemble(folder, tensors=tensors)


@mistake("jumprelu is read with a plain ReLU: activations below their threshold stay.")
def jumprelu_as_relu(folder):
    def tensors(w, cfg):
        w.pop("threshold", None)

    def config(cfg):
        cfg["architecture"] = cfg["architecture"].replace("jumprelu", "standard")

    return assemble(folder, config, tensors)


@mistake("topk_threshold is not read: with a threshold of 0, BatchTopK in evaluation is a ReLU.")
def batch_threshold_not_read(folder):
    def tensors(w, cfg):
        if "topk_threshold" in w:
            w["topk_threshold"] = torch.zeros(())

    return assemble(folder, tensors=tensors)


@mistake("batchtopk is read as topk, which keeps k latents of every input: use BatchTopK and its threshold.")
def batchtopk_as_topk(folder):
    def config(cfg):
        if cfg["architecture"] == "batchtopk":
            cfg.update(architecture="topk", k=int(cfg["k"]))

    return assemble(folder, config, lambda w, cfg: w.pop("topk_threshold", None))


@mistake("The autoencoder is still in training mode, where BatchTopK looks at the whole batch: return `sae.eval()`.")
def still_training(folder):
    return assemble(folder, finish=lambda sae: sae)


@mistake("r_mag is read as its exponential: our gated autoencoder takes the exponential itself.")
def exponential_of_r_mag(folder):
    def tensors(w, cfg):
        if "r_mag" in w:
            w["r_mag"] = w["r_mag"].exp()

    return assemble(folder, tensors=tensors)


@mistake("r_mag is not read: magnitudes are W_enc times exp(r_mag).")
def r_mag_not_read(folder):
    def tensors(w, cfg):
        if "r_mag" in w:
            w["r_mag"] = torch.zeros_like(w["r_mag"])

    return assemble(folder, tensors=tensors)


@mistake("The decoder's rows are brought to length 1, which the file did not ask for.")
def unit_decoder(folder):
    def tensors(w, cfg):
        w["W_dec"] = torch.nn.functional.normalize(w["W_dec"], dim=-1)

    return assemble(folder, tensors=tensors)


@mistake("b_dec is not read: it stays 0.")
def b_dec_not_read(folder):
    def tensors(w, cfg):
        w["b_dec"] = torch.zeros_like(w["b_dec"])

    return assemble(folder, tensors=tensors)


@mistake("The weights keep the dtype of the file: bring them to float32, `.float()`.")
def any_dtype(folder):
    dtype = load_file(Path(folder) / "sae_weights.safetensors")["W_dec"].dtype
    return assemble(folder, finish=lambda sae: sae.eval().to(dtype))


@mistake("normalize_activations is not looked at: such an autoencoder would be read, and compute nonsense. Refuse it.")
def normalisation_ignored(folder):
    return assemble(folder, config=lambda cfg: cfg.pop("normalize_activations", None))


@mistake("An architecture that you do not know is read as standard: nobody will notice that it is wrong. Refuse it.")
def unknown_is_standard(folder):
    def config(cfg):
        if cfg["architecture"] not in KINDS:
            cfg["architecture"] = "standard"

    return assemble(folder, config)


@mistake("Where a file is missing you return None. Let the FileNotFoundError through.")
def none_for_missing_files(folder):
    try:
        return assemble(folder)
    except FileNotFoundError:
        return None
