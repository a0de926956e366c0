import json
from pathlib import Path

import torch
from safetensors.torch import load


def from_saelens(folder):
    cfg = json.loads((Path(folder) / "cfg.json").read_text())
    w = load((Path(folder) / "sae_weights.safetensors").read_bytes())
    w = {n: t.to(torch.float32) for n, t in w.items()}
    if cfg.get("normalize_activations", "none") != "none":
        raise ValueError(f"activations are normalised: {cfg['normalize_activations']}")
    d_sae, d_in = w["W_dec"].shape
    match cfg["architecture"]:
        case "gated":
            sae = GatedAutoencoder(d_in, d_sae)
            biases = ["b_gate", "b_mag"]
        case "standard" | "topk" | "batchtopk" | "jumprelu" as arch:
            act = {"standard": nn.ReLU, "topk": lambda: TopK(cfg["k"]), "batchtopk": lambda: BatchTopK(int(cfg["k"])),
                   "jumprelu": lambda: JumpReLU(d_sae)}[arch]()
            sae = SparseAutoencoder(d_in, d_sae, act)
            biases = ["b_enc"]
        case other:
            raise ValueError(f"architecture {other}")
    with torch.no_grad():
        for name in ["W_enc", "W_dec", "b_dec", *biases] + (["r_mag"] if "r_mag" in w else []):
            getattr(sae, name).copy_(w[name])
        if "threshold" in w:
            act.log_threshold.copy_(w["threshold"].log())
        if "topk_threshold" in w:
            act.threshold.copy_(w["topk_threshold"])
        if cfg["architecture"] in ("topk", "batchtopk") and cfg.get("rescale_acts_by_decoder_norm", False):
            size = sae.W_dec.norm(dim=-1)
            sae.W_enc.mul_(size); sae.b_enc.mul_(size); sae.W_dec.div_(size[:, None])
        if not cfg.get("apply_b_dec_to_input", True):
            zero = torch.zeros(1, d_in)
            for name in biases:
                b = getattr(sae, name)
                W = sae.W_enc * sae.r_mag.exp() if name == "b_mag" else sae.W_enc
                b.sub_(((zero - sae.b_dec) @ W)[0])
    return sae.eval()
