import json
from pathlib import Path

import torch
import torch.nn as nn
from safetensors.torch import save_file


def to_saelens(sae, folder, hook_name, model_name="small-lm"):
    names = ["W_enc", "W_dec", "b_dec"]
    cfg = {"d_in": sae.W_enc.shape[0], "d_sae": sae.W_enc.shape[1], "dtype": "float32", "device": "cpu",
           "apply_b_dec_to_input": True, "normalize_activations": "none", "reshape_activations": "none",
           "metadata": {"sae_lens_version": "6.0.0", "hook_name": hook_name, "model_name": model_name}}
    tensors = {}
    if hasattr(sae, "b_gate"):
        cfg["architecture"] = "gated"
        names += ["b_gate", "r_mag", "b_mag"]
    else:
        names += ["b_enc"]
        act = sae.activation
        if hasattr(act, "threshold"):
            cfg["architecture"] = "jumprelu"
            tensors["threshold"] = act.threshold.detach().float() * torch.ones(len(sae.b_enc))
        elif hasattr(act, "k"):
            cfg["architecture"] = "topk"
            cfg["k"] = act.k
            cfg["rescale_acts_by_decoder_norm"] = False
        elif isinstance(act, nn.ReLU):
            cfg["architecture"] = "standard"
        else:
            raise TypeError(f"unknown activation {act}")
    for name in names:
        tensors[name] = getattr(sae, name).detach().float().contiguous()
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cfg.json").write_text(json.dumps(cfg))
    save_file(tensors, folder / "sae_weights.safetensors")
