import torch.nn.functional as F


def train_induction_model(config, batches, lr=4e-3, warmup=50, on_step=None):
    model = attention_only(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / warmup))
    model.train()
    for i, batch in enumerate(batches):
        logits = model(batch)
        loss = F.cross_entropy(logits[:, :-1].reshape(-1, config.d_vocab), batch[:, 1:].reshape(-1))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
        if on_step:
            on_step(i, float(loss), model)
    return model
