import json
from pathlib import Path

import torch
from safetensors.torch import load_file


def from_saelens(folder):
    cfg = json.loads((Path(folder) / "cfg.json").read_text())
    arch = cfg["architecture"]
    if cfg.get("normalize_activations", "none") != "none":
        raise ValueError(f"normalised: {cfg['normalize_activations']}")
    w = {n: t.float() for n, t in load_file(Path(folder) / "sae_weights.safetensors").items()}
    d_sae, d_in = w["W_dec"].shape
    if arch == "standard":
        sae = SparseAutoencoder(d_in, d_sae)
    elif arch == "topk":
        sae = SparseAutoencoder(d_in, d_sae, TopK(cfg["k"]))
    elif arch == "batchtopk":
        sae = SparseAutoencoder(d_in, d_sae, BatchTopK(cfg["k"]))
        w["activation.threshold"] = w.pop("topk_threshold")
    elif arch == "jumprelu":
        sae = SparseAutoencoder(d_in, d_sae, JumpReLU(d_sae))
        w["activation.log_threshold"] = w.pop("threshold").log()
    elif arch == "gated":
        sae = GatedAutoencoder(d_in, d_sae)
    else:
        raise ValueError(f"unknown architecture {arch}")
    if cfg.get("rescale_acts_by_decoder_norm", False):
        norm = w["W_dec"].pow(2).sum(-1)
        w["W_enc"] = w["W_enc"] * norm
        w["b_enc"] = w["b_enc"] * norm
        w["W_dec"] = w["W_dec"] / norm[:, None]
    if not cfg.get("apply_b_dec_to_input", True):
        shift = w["b_dec"] @ w["W_enc"]
        if arch == "gated":
            w["b_gate"] = w["b_gate"] + shift
            w["b_mag"] = w["b_mag"] + shift * w["r_mag"].exp()
        else:
            w["b_enc"] = w["b_enc"] + shift
    sae.load_state_dict(w)
    return sae.eval()
