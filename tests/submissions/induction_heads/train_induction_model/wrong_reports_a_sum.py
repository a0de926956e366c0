def train_induction_model(config, batches, lr=4e-3, warmup=50, on_step=None):
    model = attention_only(config)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=lr)
    for step, tokens in enumerate(batches):
        scale = min(1.0, (step + 1) / warmup)
        for group in optimizer.param_groups:
            group["lr"] = lr * scale
        loss = -token_log_probs(model(tokens), tokens).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if on_step is not None:
            on_step(step, loss.item() * tokens.numel(), model)
    return model
