def train_induction_model(config, batches, lr=4e-3, warmup=50, on_step=None):
    model = attention_only(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / warmup))
    for i, tokens in enumerate(batches):
        schedule.step()
        loss = -token_log_probs(model(tokens), tokens).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if on_step:
            on_step(i, loss.item(), model)
    return model
