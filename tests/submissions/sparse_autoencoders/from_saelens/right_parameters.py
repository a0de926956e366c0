from safetensors import safe_open


def from_saelens(folder):
    p = Path(folder)
    cfg = json.loads((p / "cfg.json").read_bytes())
    with safe_open(p / "sae_weights.safetensors", framework="pt") as file:
        T = {n: file.get_tensor(n).to(torch.float32) for n in file.keys()}
    a = cfg["architecture"]
    n = cfg.get("normalize_activations", "none")
    if n != "none":
        raise ValueError(n)
    if a not in "standard topk batchtopk jumprelu gated".split():
        raise ValueError(a)
    scale = torch.ones(len(T["W_dec"]))
    if a.endswith("topk") and cfg.get("rescale_acts_by_decoder_norm", False):
        scale = torch.linalg.norm(T["W_dec"], dim=1)
    back = torch.zeros(T["W_enc"].shape[0]) if cfg.get("apply_b_dec_to_input", True) else T["b_dec"]
    W_enc = T["W_enc"] * scale
    if a == "gated":
        sae = GatedAutoencoder(*W_enc.shape)
        sae.b_gate = nn.Parameter(T["b_gate"] + back @ W_enc)
        sae.r_mag = nn.Parameter(T["r_mag"])
        sae.b_mag = nn.Parameter(T["b_mag"] + (back @ W_enc) * torch.exp(T["r_mag"]))
    else:
        act = nn.ReLU()
        if a == "topk":
            act = TopK(int(cfg["k"]))
        if a == "batchtopk":
            act = BatchTopK(int(float(cfg["k"])))
            act.register_buffer("threshold", T["topk_threshold"].reshape(()))
        if a == "jumprelu":
            act = JumpReLU(W_enc.shape[1])
            act.log_threshold = nn.Parameter(T["threshold"].clamp(min=1e-37).log())
        sae = SparseAutoencoder(*W_enc.shape, act)
        sae.b_enc = nn.Parameter(T["b_enc"] * scale + back @ W_enc)
    sae.W_enc = nn.Parameter(W_enc)
    sae.W_dec = nn.Parameter(T["W_dec"] / scale.unsqueeze(1))
    sae.b_dec = nn.Parameter(T["b_dec"])
    return sae.eval()
