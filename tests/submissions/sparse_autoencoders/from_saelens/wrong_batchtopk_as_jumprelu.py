import json
from pathlib import Path

import torch
from safetensors.torch import load_file


def from_saelens(folder):
    cfg = json.loads(Path(folder, "cfg.json").read_text())
    known = ["standard", "topk", "batchtopk", "jumprelu", "gated"]
    if cfg["architecture"] not in known:
        raise ValueError(f"Unknown architecture {cfg['architecture']}, expected one of {known}")
    norm = cfg.get("normalize_activations", "none")
    if norm != "none":
        raise ValueError(f"normalize_activations={norm} not supported")
    w = {k: v.float() for k, v in load_file(Path(folder, "sae_weights.safetensors")).items()}
    if cfg.get("rescale_acts_by_decoder_norm", False):
        n = torch.linalg.vector_norm(w["W_dec"], dim=1)
        w["W_enc"] *= n
        w["b_enc"] *= n
        w["W_dec"] /= n.unsqueeze(1)
    if not cfg.get("apply_b_dec_to_input", True):
        shift = w["W_enc"].T @ w["b_dec"]
        for name, factor in (("b_enc", 1), ("b_gate", 1), ("b_mag", w["r_mag"].exp() if "r_mag" in w else 1)):
            if name in w:
                w[name] += shift * factor
    d_sae, d_in = w["W_dec"].shape
    if cfg["architecture"] == "gated":
        sae = GatedAutoencoder(d_in, d_sae)
    else:
        act = nn.ReLU()
        if cfg["architecture"] == "topk":
            act = TopK(cfg["k"])
        thr = w.pop("threshold", w.pop("topk_threshold", None))
        if thr is not None:
            act = JumpReLU(d_sae)
            with torch.no_grad():
                act.log_threshold[:] = thr.log()
        sae = SparseAutoencoder(d_in, d_sae, act)
    missing = sae.load_state_dict(w, strict=False)
    assert not missing.unexpected_keys
    return sae.eval()
