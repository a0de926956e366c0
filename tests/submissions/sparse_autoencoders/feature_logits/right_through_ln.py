def feature_logits(model, direction):
    with torch.no_grad():
        ln = model.ln_final
        scale = (direction.var(unbiased=False) + ln.eps).sqrt()
        out = (ln(direction[None, None])[0, 0] - ln.bias) * scale
        logits = out @ model.W_U
    return logits - logits.mean()
