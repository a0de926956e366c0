def from_saelens(folder):
    folder = Path(folder)
    cfg = json.loads((folder / "cfg.json").read_text())
    raw = load_file(folder / "sae_weights.safetensors")
    w = {n: t.to(torch.float32) for n, t in raw.items()}
    arch = cfg["architecture"]
    if arch not in ("standard", "topk", "batchtopk", "jumprelu", "gated"):
        raise ValueError(f"unknown architecture {arch}")
    norm = cfg.get("normalize_activations", "none")
    if norm != "none":
        raise ValueError(f"normalize_activations is {norm}")
    d_in, d_sae = w["W_enc"].shape
    if not cfg.get("apply_b_dec_to_input", True):
        shift = w["b_dec"] @ w["W_enc"]
        if arch == "gated":
            w["b_gate"] = w["b_gate"] + shift
            w["b_mag"] = w["b_mag"] + shift * w["r_mag"].exp()
        else:
            w["b_enc"] = w["b_enc"] + shift
    if arch in ("topk", "batchtopk") and cfg.get("rescale_acts_by_decoder_norm", False):
        length = w["W_dec"].norm(dim=-1)
        w["W_enc"] = w["W_enc"] * length
        w["b_enc"] = w["b_enc"] * length
        w["W_dec"] = w["W_dec"] / length[:, None]
    if arch == "gated":
        sae, names = GatedAutoencoder(d_in, d_sae), ("W_enc", "W_dec", "b_dec", "b_gate", "r_mag", "b_mag")
    else:
        names = ("W_enc", "W_dec", "b_dec", "b_enc")
        if arch == "standard":
            act = nn.ReLU()
        elif arch == "topk":
            act = TopK(int(cfg["k"]))
        elif arch == "batchtopk":
            act = BatchTopK(int(cfg["k"]))
            del act.threshold
            act.threshold = raw["topk_threshold"].item()
        else:
            act = JumpReLU(d_sae)
            act.log_threshold.data = w["threshold"].log()
        sae = SparseAutoencoder(d_in, d_sae, act)
    with torch.no_grad():
        for n in names:
            getattr(sae, n).copy_(w[n])
    return sae.eval()
