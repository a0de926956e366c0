def train_induction_model(config, batches, lr=4e-3, warmup=50, on_step=None):
    model = attention_only(config)
    params = list(filter(lambda p: p.requires_grad, model.parameters()))
    opt = torch.optim.AdamW(params, lr=0.0, weight_decay=0.0, betas=(0.9, 0.98))
    batches = list(batches)
    for step in range(len(batches)):
        opt.param_groups[0]["lr"] = lr if step >= warmup else lr * (step + 1) / warmup
        lp = token_log_probs(model(batches[step]), batches[step])
        loss = lp.mul(-1).sum() / lp.numel()
        for p in params:
            p.grad = None
        loss.backward()
        opt.step()
        if on_step is not None:
            on_step(step, loss.item(), model)
    return model
