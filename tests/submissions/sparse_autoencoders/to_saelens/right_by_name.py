import json
from pathlib import Path

import torch
from safetensors.torch import save_file


def to_saelens(sae, folder, hook_name, model_name="small-lm"):
    state = {k: v.float().contiguous() for k, v in sae.state_dict().items() if "." not in k}
    kind = "GatedAutoencoder" if type(sae).__name__ == "GatedAutoencoder" else type(sae.activation).__name__
    cfg = {"d_in": state["W_enc"].shape[0], "d_sae": state["W_enc"].shape[1], "dtype": "float32", "device": "cpu",
           "apply_b_dec_to_input": True, "normalize_activations": "none", "reshape_activations": "none",
           "metadata": {"sae_lens_version": "6.0.0", "hook_name": hook_name, "model_name": model_name}}
    table = {"ReLU": "standard", "TopK": "topk", "BatchTopK": "jumprelu", "JumpReLU": "jumprelu", "GatedAutoencoder": "gated"}
    if kind not in table:
        raise ValueError("cannot write " + kind)
    cfg["architecture"] = table[kind]
    if kind == "TopK":
        cfg |= {"k": int(sae.activation.k), "rescale_acts_by_decoder_norm": False}
    if kind == "BatchTopK":
        state["threshold"] = torch.ones(cfg["d_sae"]) * sae.activation.threshold.item()
    if kind == "JumpReLU":
        state["threshold"] = sae.activation.log_threshold.detach().float().exp()
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    save_file(state, str(path / "sae_weights.safetensors"))
    (path / "cfg.json").write_text(json.dumps(cfg))
