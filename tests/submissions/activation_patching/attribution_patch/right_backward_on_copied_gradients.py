import torch


def attribution_patch(model, clean_tokens, corrupted_tokens, metric, sites):
    """backward() with retain_grad; the parameters' gradients are put back."""
    names = tuple(sites)
    saved = [None if p.grad is None else p.grad.clone() for p in model.parameters()]
    runs = []
    for tokens in (clean_tokens, corrupted_tokens):
        seen, handles = {}, []

        def make(name, seen):
            def hook(module, args, output):
                output.retain_grad()
                seen[name] = output

            return hook

        try:
            for name in names:
                handles.append(model.get_submodule(name).register_forward_hook(make(name, seen)))
            logits = model(tokens)
        finally:
            for handle in handles:
                handle.remove()
        runs.append(seen)
    metric(logits).backward()
    for p, grad in zip(model.parameters(), saved):
        p.grad = grad
    clean, corrupted = runs
    with torch.no_grad():
        return {n: torch.einsum("b...d,b...d->...", clean[n] - corrupted[n], corrupted[n].grad) for n in names}
