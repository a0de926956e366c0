import json
from pathlib import Path

import torch
import torch.nn as nn
from safetensors.torch import save


def architecture_of(sae):
    if getattr(sae, "r_mag", None) is not None:
        return "gated"
    a = sae.activation
    if getattr(a, "threshold", None) is not None:
        return "jumprelu"
    if getattr(a, "k", None) is not None:
        return "topk"
    if type(a) is nn.ReLU:
        return "standard"
    raise ValueError(a)


@torch.no_grad()
def to_saelens(sae, folder, hook_name, model_name="small-lm"):
    arch = architecture_of(sae)
    wanted = "W_enc W_dec b_dec " + ("b_gate r_mag b_mag" if arch == "gated" else "b_enc")
    out = {}
    for name in wanted.split():
        p = getattr(sae, name)
        out[name] = torch.empty(p.shape).copy_(p)
    if arch == "jumprelu":
        out["threshold"] = torch.zeros(sae.W_dec.shape[0])
        out["threshold"][:] = sae.activation.threshold
    cfg = {"architecture": arch, "d_in": sae.W_dec.shape[1], "d_sae": sae.W_dec.shape[0], "dtype": "float32",
           "device": "cpu", "apply_b_dec_to_input": True, "normalize_activations": "none",
           "reshape_activations": "none", "training_tokens": 0,
           "metadata": {"sae_lens_version": "6.12.0", "sae_lens_training_version": None, "hook_name": hook_name,
                        "model_name": model_name, "context_size": 128}}
    if arch == "topk":
        cfg["k"] = sae.activation.k
        cfg["rescale_acts_by_decoder_norm"] = False
    Path(folder).mkdir(parents=True, exist_ok=True)
    Path(folder, "sae_weights.safetensors").write_bytes(save(out))
    Path(folder, "cfg.json").write_text(json.dumps(cfg), encoding="utf8")
    return Path(folder)
