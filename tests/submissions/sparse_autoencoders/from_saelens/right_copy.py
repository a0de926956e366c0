import json
import os

import torch
from safetensors import safe_open


def from_saelens(folder):
    cfg = json.load(open(os.path.join(folder, "cfg.json")))
    if cfg.get("normalize_activations") not in (None, "none"):
        raise ValueError("cannot read an SAE with normalize_activations = " + cfg["normalize_activations"])
    path = os.path.join(folder, "sae_weights.safetensors")
    if not os.path.exists(path):
        raise FileNotFoundError(path)
    w = {}
    with safe_open(path, "pt") as f:
        for key in f.keys():
            w[key] = f.get_tensor(key).to(torch.float32)
    d_in, d_sae = w["W_enc"].shape
    arch = cfg["architecture"]
    scale = torch.ones(d_sae)
    if "topk" in arch and cfg.get("rescale_acts_by_decoder_norm"):
        scale = w["W_dec"].pow(2).sum(1).sqrt()
    W_enc = w["W_enc"] * scale[None]
    W_dec = w["W_dec"] / scale[:, None]
    extra = torch.zeros(d_sae)
    if cfg.get("apply_b_dec_to_input", True) is False:
        extra = torch.einsum("d,ds->s", w["b_dec"], W_enc)
    if arch == "gated":
        sae = GatedAutoencoder(d_in, d_sae)
        sae.b_gate.data = w["b_gate"] + extra
        sae.b_mag.data = w["b_mag"] + extra * torch.exp(w["r_mag"])
        sae.r_mag.data = w["r_mag"]
    else:
        if arch == "standard":
            act = None
        elif arch == "topk":
            act = TopK(int(cfg["k"]))
        elif arch == "batchtopk":
            act = BatchTopK(int(cfg["k"]))
            act.threshold.fill_(w["topk_threshold"].item())
        elif arch == "jumprelu":
            act = JumpReLU(d_sae)
            act.log_threshold.data = torch.log(w["threshold"])
        else:
            raise ValueError(f"unknown architecture {arch}")
        sae = SparseAutoencoder(d_in, d_sae, act)
        sae.b_enc.data = w["b_enc"] * scale + extra
    sae.W_enc.data, sae.W_dec.data, sae.b_dec.data = W_enc, W_dec, w["b_dec"]
    sae.eval()
    return sae
