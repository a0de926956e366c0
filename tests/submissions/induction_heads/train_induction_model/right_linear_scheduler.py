def train_induction_model(config, batches, lr=4e-3, warmup=50, on_step=None):
    model = attention_only(config)
    decay = [p for p in model.parameters() if p.requires_grad and p.dim() > 1]
    rest = [p for p in model.parameters() if p.requires_grad and p.dim() <= 1]
    opt = torch.optim.AdamW([{"params": decay, "weight_decay": 0.01}, {"params": rest, "weight_decay": 0.0}], lr=lr)
    step = 0
    for tokens in batches:
        scale = min(1, (step + 1) / warmup)
        for g in opt.param_groups:
            g["lr"] = lr * scale
        opt.zero_grad(set_to_none=False)
        loss = -token_log_probs(model.forward(tokens), tokens).mean()
        loss.backward()
        opt.step()
        if on_step is not None:
            on_step(step, loss.detach().item(), model)
        step += 1
    return model
