def feature_logits(model, direction):
    logits = (direction[None] - direction.mean()) * model.ln_final.weight @ model.W_U
    return logits - logits.mean(-1, keepdim=True)
