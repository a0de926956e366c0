def feature_logits(model, direction):
    v = (direction - direction.mean()) / direction.norm() * len(direction) ** 0.5
    logits = v * model.ln_final.weight @ model.W_U
    return logits - logits.mean()
