def feature_logits(model, direction):
    logits = (direction - direction.mean()) * model.ln_final.weight @ model.W_U
    return logits - logits.sum()
