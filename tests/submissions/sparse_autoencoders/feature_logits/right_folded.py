def feature_logits(model, direction):
    W = model.ln_final.weight[:, None] * model.W_U
    W = W - W.mean(dim=0, keepdim=True)
    W = W - W.mean(dim=1, keepdim=True)
    return direction @ W
