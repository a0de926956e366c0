def from_saelens(folder):
    folder = Path(folder)
    for name in ("cfg.json", "sae_weights.safetensors"):
        if not (folder / name).is_file():
            raise FileNotFoundError(folder / name)
    cfg = json.loads((folder / "cfg.json").read_text(encoding="utf-8"))
    w = load_file(folder / "sae_weights.safetensors", device="cpu")
    if cfg.get("normalize_activations", "none") != "none":
        raise ValueError("normalize_activations=" + str(cfg["normalize_activations"]))

    def jump():
        module = JumpReLU(w["W_dec"].shape[0])
        with torch.no_grad():
            module.log_threshold.copy_(torch.log(w["threshold"].float()))
        return module

    def batch():
        module = BatchTopK(int(cfg["k"]))
        module.threshold = w["topk_threshold"].float().squeeze()
        return module

    makers = {
        "standard": nn.ReLU,
        "topk": lambda: TopK(int(cfg["k"])),
        "batchtopk": batch,
        "jumprelu": jump,
        "gated": None,
    }
    if cfg["architecture"] not in makers:
        raise ValueError("architecture=" + str(cfg["architecture"]))
    d_sae, d_in = w["W_dec"].shape
    gated = cfg["architecture"] == "gated"
    sae = GatedAutoencoder(d_in, d_sae) if gated else SparseAutoencoder(d_in, d_sae, makers[cfg["architecture"]]())
    for n, p in sae.named_parameters(recurse=False):
        p.data = w[n].float().contiguous().clone()
    with torch.no_grad():
        if cfg.get("apply_b_dec_to_input", True) is False:
            for bias, enc in (
                ((sae.b_gate, sae.W_enc), (sae.b_mag, sae.W_enc * sae.r_mag.exp()))
                if gated
                else ((sae.b_enc, sae.W_enc),)
            ):
                bias += torch.einsum("d,ds->s", sae.b_dec, enc)
        if cfg.get("rescale_acts_by_decoder_norm") and cfg["architecture"] in ("topk", "batchtopk"):
            for i in range(d_sae):
                r = sae.W_dec[i].norm().item()
                sae.W_enc[:, i] *= r
                sae.b_enc[i] *= r
                sae.W_dec[i] /= r
    return sae.train(False)
