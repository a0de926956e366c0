"""to_saelens: the two files are read back on the learner's side and held against what went in, by hand.

tests/test_sae_saelens.py shows that the real SAELens reads such files, and computes the same.
"""

import json
from pathlib import Path

import pytest
import torch
import torch.nn as nn
from safetensors.torch import save_file

import solutions.sparse_autoencoders as ref
from dojo.grading import compare, mistake, raises

D_IN, D_SAE, K = 3, 5, 2
HOOK = "blocks.3.hook_resid_pre"
ARCHITECTURE = {
    "standard": "standard",
    "topk": "topk",
    "jumprelu": "jumprelu",
    "batchtopk": "jumprelu",
    "gated": "gated",
}
KINDS = list(ARCHITECTURE)


def draw(rand, kind):
    """Weights in which every entry counts, by their names in the file (BatchTopK has one threshold for all)."""
    weights = {"W_enc": rand.normal(D_IN, D_SAE), "W_dec": rand.normal(D_SAE, D_IN), "b_dec": rand.normal(D_IN)}
    for name in ("b_gate", "r_mag", "b_mag") if kind == "gated" else ("b_enc",):
        weights[name] = rand.normal(D_SAE, std=0.5)
    if kind == "jumprelu":
        weights["threshold"] = rand.uniform(D_SAE, low=0.2, high=2.0)
    if kind == "batchtopk":
        weights["threshold"] = rand.uniform(1, low=0.2, high=0.9)[0]
    return weights


def write(submission, kit, kind, weights, **how):
    """The files' contents; {"cfg": ..., "weights": ...}."""
    found = kit.written(submission.to_saelens, kind, weights, K, **{"options": [HOOK], **how})
    assert "problem" not in found, found["problem"]
    return found


def same_tensors(found, expected, where):
    """Each by its name, so that the message says which."""
    missing, extra = (
        ", ".join(f"`{name}`" for name in a if name not in b) for a, b in ((expected, found), (found, expected))
    )
    assert not missing, f"{missing} is missing in {where} (found: {', '.join(found) or 'nothing'})."
    assert not extra, f"{extra} should not be in {where}."
    for name, value in expected.items():
        compare(found[name], value, what=f"`{name}` in {where}", atol=1e-5)


def in_config(cfg, where="cfg.json", **wanted):
    for name, value in wanted.items():
        assert name in cfg, f"`{name}` is missing in {where} (found: {', '.join(cfg) or 'nothing'})."
        compare(cfg[name], value, what=f"`{name}` in {where}")


@pytest.mark.parametrize("kind", KINDS)
def test_the_weights(submission, kit, rand, kind):
    """The tensors have SAELens's names, and are as they were; there are no others."""
    weights = draw(rand, kind)
    found = write(submission, kit, kind, weights)["weights"]
    expected = dict(weights)
    if kind == "batchtopk":
        expected["threshold"] = torch.full((D_SAE,), weights["threshold"].item())
    same_tensors(found, expected, "sae_weights.safetensors")


@pytest.mark.parametrize("kind", KINDS)
def test_the_config(submission, kit, rand, kind):
    """cfg.json names the architecture, the sizes, and what is done to the inputs."""
    cfg = write(submission, kit, kind, draw(rand, kind))["cfg"]
    in_config(cfg, architecture=ARCHITECTURE[kind])
    if kind == "topk":
        in_config(cfg, k=K, rescale_acts_by_decoder_norm=False)
    in_config(cfg, d_in=D_IN, d_sae=D_SAE, apply_b_dec_to_input=True, normalize_activations="none")
    in_config(cfg, reshape_activations="none", device="cpu")
    sizes = [type(cfg[name]) for name in ("d_in", "d_sae", *(["k"] if kind == "topk" else []))]
    assert all(size is int for size in sizes), "d_in, d_sae and k should be whole numbers: 3, not 3.0."
    in_config(cfg, dtype="float32")


def test_the_metadata(submission, kit, rand):
    """The metadata say where the autoencoder belongs, and that the file is of SAELens 6 or later."""
    cfg = write(submission, kit, "standard", draw(rand, "standard"), options=["blocks.1.hook_mlp_out", "gpt2"])["cfg"]
    metadata = cfg.get("metadata")
    assert isinstance(metadata, dict), "`metadata` in cfg.json should be an object of its own: a dict in the dict."
    in_config(metadata, "cfg.json's metadata", hook_name="blocks.1.hook_mlp_out", model_name="gpt2")
    version = metadata.get("sae_lens_version")
    hint = "expected text such as '6.0.0'. Without it SAELens takes the file for an old one, and forgets hook_name."
    assert isinstance(version, str), f"`sae_lens_version` in cfg.json's metadata is {version!r}, {hint}"
    first = version.partition(".")[0]
    assert first.isdigit() and int(first) >= 6, f"`sae_lens_version` in cfg.json's metadata is {version!r}, {hint}"


def test_the_model_that_it_is_for(submission, kit, rand):
    """Without a model's name it is small-lm."""
    cfg = write(submission, kit, "topk", draw(rand, "topk"))["cfg"]
    metadata = cfg.get("metadata")
    assert isinstance(metadata, dict), "`metadata` in cfg.json should be an object of its own: a dict in the dict."
    in_config(metadata, "cfg.json's metadata", model_name="small-lm", hook_name=HOOK)


@pytest.mark.parametrize("folder, as_text, stale", [("a/b/c", False, False), ("sae", True, False), ("sae", True, True)])
def test_the_folder(submission, kit, rand, folder, as_text, stale):
    """The folder is made, with its parents; it may be a text; older files in it are overwritten."""
    weights = draw(rand, "standard")
    found = write(submission, kit, "standard", weights, folder=folder, as_text=as_text, stale=stale)
    same_tensors(found["weights"], weights, "sae_weights.safetensors")


@pytest.mark.parametrize("kind", ["standard", "gated", "batchtopk"])
def test_in_double_precision(submission, kit, rand, kind):
    """An autoencoder in float64 is written as float32, and is itself still float64."""
    weights = {name: value.double() for name, value in draw(rand, kind).items()}
    found = write(submission, kit, kind, weights)
    for name, value in found["weights"].items():
        assert value.dtype == torch.float32, f"`{name}` in sae_weights.safetensors is {value.dtype}, not float32."
    after = {name.removeprefix("activation."): value for name, value in found["after"].items()}
    same_tensors(after, weights, "the autoencoder itself, afterwards")


@pytest.mark.parametrize("kind", ["topk", "gated"])
def test_the_autoencoder_stays(submission, kit, rand, kind):
    """The autoencoder itself is not changed."""
    weights = draw(rand, kind)
    found = write(submission, kit, kind, weights)
    same_tensors(found["after"], weights, "the autoencoder itself, afterwards")
    compare(found["training"], True, what="`sae.training` afterwards (it was True)")
    compare(found["frozen"], [], what="the list of parameters that can no longer be trained afterwards")


@pytest.mark.parametrize("kind", ["Tanh", "GELU", "LeakyReLU"])
def test_another_activation(submission, kit, rand, kind):
    """An activation that SAELens has no architecture for raises a ValueError."""
    with raises("ValueError"):
        kit.written(submission.to_saelens, kind, draw(rand, "standard"), K, options=[HOOK])


def files(sae, folder, hook_name, model_name, config=None, tensors=None, save=save_file, make=None):
    """The reference's files, with `config` and `tensors` (functions that change a dict) between."""
    folder = Path(folder)
    parts = {name: getattr(sae, name).detach().float() for name in ("W_enc", "W_dec", "b_dec")}
    special = {}
    if hasattr(sae, "b_gate"):
        architecture = "gated"
        parts |= {name: getattr(sae, name).detach().float() for name in ("b_gate", "r_mag", "b_mag")}
    else:
        parts["b_enc"] = sae.b_enc.detach().float()
        if hasattr(sae.activation, "threshold"):
            architecture = "jumprelu"
            parts["threshold"] = sae.activation.threshold.detach().float().expand(len(sae.b_enc))
        elif hasattr(sae.activation, "k"):
            architecture = "topk"
            special = {"k": sae.activation.k, "rescale_acts_by_decoder_norm": False}
        elif isinstance(sae.activation, nn.ReLU):
            architecture = "standard"
        else:
            raise ValueError(f"SAELens has no architecture for the activation {sae.activation}.")
    cfg = {
        "architecture": architecture,
        "d_in": sae.W_dec.shape[1],
        "d_sae": sae.W_dec.shape[0],
        "dtype": "float32",
        "device": "cpu",
        "apply_b_dec_to_input": True,
        "normalize_activations": "none",
        "reshape_activations": "none",
        "metadata": {"sae_lens_version": "6.0.0", "model_name": model_name, "hook_name": hook_name},
    } | special
    if config:
        config(cfg)
    if tensors:
        parts = tensors(parts) or parts
    (make or (lambda: folder.mkdir(parents=True, exist_ok=True)))()
    (folder / "cfg.json").write_text(json.dumps(cfg))
    save({name: value.contiguous() for name, value in parts.items()}, folder / "sae_weights.safetensors")


@mistake("dtype is 'torch.float32', as str(tensor.dtype) gives it; the file says 'float32'.")
def dtype_of_torch(sae, folder, hook_name, model_name="small-lm"):
    files(sae, folder, hook_name, model_name, config=lambda cfg: cfg.update(dtype="torch.float32"))


@mistake("You leave the autoencoder in evaluation mode: it is not yours to change, and its training may go on.")
def left_in_evaluation(sae, folder, hook_name, model_name="small-lm"):
    ref.to_saelens(sae.eval(), folder, hook_name, model_name)


@mistake("You freeze the autoencoder's own parameters: detach what you write, and leave requires_grad alone.")
def frozen(sae, folder, hook_name, model_name="small-lm"):
    ref.to_saelens(sae.requires_grad_(False), folder, hook_name, model_name)


@mistake("The version is missing in the metadata: SAELens then takes the file for an old one, and forgets hook_name.")
def no_version(sae, folder, hook_name, model_name="small-lm"):
    files(sae, folder, hook_name, model_name, config=lambda cfg: cfg["metadata"].pop("sae_lens_version"))


@mistake("The version stands beside the metadata, not in them; the docstring wants it in the metadata.")
def version_outside(sae, folder, hook_name, model_name="small-lm"):
    files(
        sae,
        folder,
        hook_name,
        model_name,
        config=lambda cfg: cfg.update(sae_lens_version=cfg["metadata"].pop("sae_lens_version")),
    )


@mistake("The version is a number: SAELens reads it as text, '6.0.0'.")
def version_as_number(sae, folder, hook_name, model_name="small-lm"):
    files(sae, folder, hook_name, model_name, config=lambda cfg: cfg["metadata"].update(sae_lens_version=6))


@mistake("hook_name and model_name stand at the top of cfg.json. SAELens 6 looks for them in the object `metadata`.")
def metadata_at_the_top(sae, folder, hook_name, model_name="small-lm"):
    files(sae, folder, hook_name, model_name, config=lambda cfg: cfg.update(cfg.pop("metadata")))


@mistake("model_name is always small-lm: write the one that you were given.")
def one_model(sae, folder, hook_name, model_name="small-lm"):
    files(sae, folder, hook_name, "small-lm")


@mistake(
    "`state_dict()` goes into the file as it is: an activation's own tensors have names there that SAELens has not."
)
def the_state_dict(sae, folder, hook_name, model_name="small-lm"):
    files(sae, folder, hook_name, model_name, tensors=lambda parts: {k: v.float() for k, v in sae.state_dict().items()})


@mistake(
    "BatchTopK has a k, too, and you write it as topk. In evaluation it is a threshold: ask for `threshold` first."
)
def batchtopk_as_topk(sae, folder, hook_name, model_name="small-lm"):
    batch = hasattr(getattr(sae, "activation", None), "k")

    def config(cfg):
        if batch:
            cfg.update(architecture="topk", k=sae.activation.k, rescale_acts_by_decoder_norm=False)

    def tensors(parts):
        if batch:
            parts.pop("threshold", None)

    files(sae, folder, hook_name, model_name, config, tensors)


@mistake(
    "BatchTopK is written as `batchtopk`: that is a training file. For use it is `jumprelu`, with a threshold a latent."
)
def batchtopk_for_training(sae, folder, hook_name, model_name="small-lm"):
    batch = hasattr(getattr(sae, "activation", None), "k") and hasattr(sae.activation, "threshold")

    def config(cfg):
        if batch:
            cfg.update(architecture="batchtopk", k=sae.activation.k)

    def tensors(parts):
        if batch:
            parts["topk_threshold"] = parts.pop("threshold")[0]

    files(sae, folder, hook_name, model_name, config, tensors)


@mistake("The threshold of BatchTopK is written as one number. SAELens wants [d_sae], so repeat it for each latent.")
def one_threshold(sae, folder, hook_name, model_name="small-lm"):
    def tensors(parts):
        if "threshold" in parts and hasattr(sae.activation, "k"):
            parts["threshold"] = parts["threshold"][0]

    files(sae, folder, hook_name, model_name, tensors=tensors)


@mistake("You wrote log_threshold as the threshold of JumpReLU: it is exp of that, `activation.threshold`.")
def log_threshold(sae, folder, hook_name, model_name="small-lm"):
    def tensors(parts):
        if "threshold" in parts and not hasattr(sae.activation, "k"):
            parts["threshold"] = parts["threshold"].log()

    files(sae, folder, hook_name, model_name, tensors=tensors)


@mistake("JumpReLU is written as standard, and its thresholds are lost: more latents will be active than should be.")
def jumprelu_as_standard(sae, folder, hook_name, model_name="small-lm"):
    def config(cfg):
        if cfg["architecture"] == "jumprelu" and not hasattr(sae.activation, "k"):
            cfg["architecture"] = "standard"

    def tensors(parts):
        if "threshold" in parts and not hasattr(sae.activation, "k"):
            del parts["threshold"]

    files(sae, folder, hook_name, model_name, config, tensors)


@mistake("Whatever you do not know is written as standard: only nn.ReLU is. Raise a ValueError for the rest.")
def everything_else_is_standard(sae, folder, hook_name, model_name="small-lm"):
    if isinstance(getattr(sae, "activation", None), (nn.Tanh, nn.GELU, nn.LeakyReLU)):
        sae.activation = nn.ReLU()
    files(sae, folder, hook_name, model_name)


@mistake("W_enc is transposed: SAELens keeps it as [d_in, d_sae], as we do, and not as nn.Linear would.")
def transposed_encoder(sae, folder, hook_name, model_name="small-lm"):
    files(sae, folder, hook_name, model_name, tensors=lambda parts: parts.update(W_enc=parts["W_enc"].T))


@mistake("A view of W_enc that is not contiguous cannot be written: add `.contiguous()`.")
def not_contiguous(sae, folder, hook_name, model_name="small-lm"):
    def save(tensors, path):
        save_file({name: value.T.contiguous().T if value.ndim == 2 else value for name, value in tensors.items()}, path)

    files(sae, folder, hook_name, model_name, save=save)


@mistake("torch.save wrote the weights as a pickle. The file must be made with safetensors' `save_file`.")
def pickled(sae, folder, hook_name, model_name="small-lm"):
    files(sae, folder, hook_name, model_name, save=torch.save)


@mistake("d_in and d_sae are exchanged: W_dec is [d_sae, d_in].")
def sizes_exchanged(sae, folder, hook_name, model_name="small-lm"):
    files(sae, folder, hook_name, model_name, config=lambda cfg: cfg.update(d_in=cfg["d_sae"], d_sae=cfg["d_in"]))


@mistake("apply_b_dec_to_input is false, but we do subtract b_dec before the encoder.")
def b_dec_not_subtracted(sae, folder, hook_name, model_name="small-lm"):
    files(sae, folder, hook_name, model_name, config=lambda cfg: cfg.update(apply_b_dec_to_input=False))


@mistake("rescale_acts_by_decoder_norm is true: SAELens would multiply by the decoder's lengths, which ours does not.")
def rescaled(sae, folder, hook_name, model_name="small-lm"):
    def config(cfg):
        if cfg["architecture"] == "topk":
            cfg["rescale_acts_by_decoder_norm"] = True

    files(sae, folder, hook_name, model_name, config=config)


@mistake("k is missing: for topk cfg.json must say how many latents are kept. SAELens would take 100.")
def no_k(sae, folder, hook_name, model_name="small-lm"):
    files(sae, folder, hook_name, model_name, config=lambda cfg: cfg.pop("k", None))


@mistake("The bias of the gate is written as b_enc. A gated file has b_gate, r_mag and b_mag, and no b_enc.")
def gate_as_encoder_bias(sae, folder, hook_name, model_name="small-lm"):
    def tensors(parts):
        if "b_gate" in parts:
            parts["b_enc"] = parts.pop("b_gate")

    files(sae, folder, hook_name, model_name, tensors=tensors)


@mistake("r_mag is written as its exponential; SAELens takes the exponential itself.")
def exponential_of_r_mag(sae, folder, hook_name, model_name="small-lm"):
    def tensors(parts):
        if "r_mag" in parts:
            parts["r_mag"] = parts["r_mag"].exp()

    files(sae, folder, hook_name, model_name, tensors=tensors)


@mistake("The decoder's rows are written with length 1. Write them as they are.")
def unit_decoder(sae, folder, hook_name, model_name="small-lm"):
    def tensors(parts):
        parts["W_dec"] = nn.functional.normalize(parts["W_dec"], dim=-1)

    files(sae, folder, hook_name, model_name, tensors=tensors)


@mistake("b_dec is folded into b_enc, and SAELens subtracts it once more. Write both as they are.")
def b_dec_folded(sae, folder, hook_name, model_name="small-lm"):
    def tensors(parts):
        if "b_enc" in parts:
            parts["b_enc"] = parts["b_enc"] - parts["b_dec"] @ parts["W_enc"]

    files(sae, folder, hook_name, model_name, tensors=tensors)


@mistake("The folder's parents are not made: `mkdir(parents=True, exist_ok=True)`.")
def no_parents(sae, folder, hook_name, model_name="small-lm"):
    files(sae, folder, hook_name, model_name, make=lambda: Path(folder).mkdir(exist_ok=True))


@mistake("A folder that is there already is an error for you: `exist_ok=True`, and overwrite the files.")
def fresh_folders_only(sae, folder, hook_name, model_name="small-lm"):
    files(sae, folder, hook_name, model_name, make=lambda: Path(folder).mkdir(parents=True))


@mistake("The folder may be a text: wrap it in `Path(folder)` before you use `/`.")
def paths_only(sae, folder, hook_name, model_name="small-lm"):
    files(sae, folder / ".", hook_name, model_name)


@mistake("The weights keep their dtype: write them as float32, `.float()`.")
def any_dtype(sae, folder, hook_name, model_name="small-lm"):
    files(
        sae, folder, hook_name, model_name, tensors=lambda parts: {k: v.to(sae.W_dec.dtype) for k, v in parts.items()}
    )


@mistake("`sae.float()` changes the autoencoder itself. Convert what you write, not the module.")
def converts_the_module(sae, folder, hook_name, model_name="small-lm"):
    ref.to_saelens(sae.float(), folder, hook_name, model_name)
