import torch


def resample_dead(state, x, dead, generator=None):
    sae, adam = state.sae, state.optimizer.state
    with torch.no_grad():
        losses = ((x - sae(x)) ** 2).sum(-1)
        living = [sae.W_enc[:, i].norm() for i in range(len(dead)) if not dead[i]]
        size = sum(living) / len(living) if living else 1.0
        for i in range(len(dead)):
            if not dead[i]:
                continue
            pick = torch.multinomial(losses**2, 1, generator=generator).item()
            v = x[pick] - sae.b_dec
            v = v / v.norm()
            sae.W_dec[i] = v
            sae.W_enc[:, i] = v * 0.2 * size
            sae.b_enc[i] = 0
            for key in ("exp_avg", "exp_avg_sq"):
                if adam[sae.W_dec]:
                    adam[sae.W_dec][key][i] = 0
                    adam[sae.W_enc][key][:, i] = 0
                    adam[sae.b_enc][key][i] = 0
            state.idle[i] = 0
