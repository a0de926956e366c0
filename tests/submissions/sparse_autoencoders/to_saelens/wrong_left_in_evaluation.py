def to_saelens(sae, folder, hook_name, model_name="small-lm"):
    sae.eval()
    act = getattr(sae, "activation", None)
    tensors = {"W_enc": sae.W_enc, "W_dec": sae.W_dec, "b_dec": sae.b_dec}
    extra = {}
    if hasattr(sae, "b_gate"):
        arch = "gated"
        tensors |= {"b_gate": sae.b_gate, "r_mag": sae.r_mag, "b_mag": sae.b_mag}
    elif hasattr(act, "threshold"):
        arch = "jumprelu"
        tensors |= {"b_enc": sae.b_enc, "threshold": act.threshold.expand(len(sae.W_dec))}
    elif hasattr(act, "k"):
        arch = "topk"
        tensors |= {"b_enc": sae.b_enc}
        extra = {"k": int(act.k), "rescale_acts_by_decoder_norm": False}
    elif isinstance(act, nn.ReLU):
        arch = "standard"
        tensors |= {"b_enc": sae.b_enc}
    else:
        raise ValueError(f"unknown activation {act}")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    d_sae, d_in = sae.W_dec.shape
    cfg = {
        "architecture": arch,
        "d_in": d_in,
        "d_sae": d_sae,
        "dtype": "float32",
        "device": "cpu",
        "apply_b_dec_to_input": True,
        "normalize_activations": "none",
        "reshape_activations": "none",
        "metadata": {"hook_name": hook_name, "model_name": model_name, "sae_lens_version": "6.0.0"},
    } | extra
    (folder / "cfg.json").write_text(json.dumps(cfg))
    tensors = {n: t.detach().to(torch.float32).clone().contiguous() for n, t in tensors.items()}
    tensors = {n: t.clone(memory_format=torch.contiguous_format) for n, t in tensors.items()}
    save_file(tensors, folder / "sae_weights.safetensors")
