def train_induction_model(config, batches, lr=4e-3, warmup=50, on_step=None):
    model = attention_only(Config(64, 64, 64, 2, 4, 16, 1))
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=lr)
    for i, tokens in enumerate(batches):
        for g in optimizer.param_groups:
            g["lr"] = lr * min(1.0, (i + 1) / warmup)
        loss = -token_log_probs(model(tokens), tokens).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if on_step:
            on_step(i, loss.item(), model)
    return model
