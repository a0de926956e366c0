def feature_logits(model, direction):
    d = len(direction)
    centre = torch.eye(d) - torch.ones(d, d) / d
    gamma = torch.diag(model.ln_final.weight.detach())
    logits = direction @ centre @ gamma @ model.W_U.detach()
    n = len(logits)
    return logits @ (torch.eye(n) - torch.ones(n, n) / n)
