import numpy as np


def top_activating_examples(activation, n):
    a = activation.detach().numpy()
    pos = a.argmax(axis=1)
    val = a.max(axis=1)
    rows = [int(r) for r in np.argsort(-val, kind="stable") if val[r] > 0]
    return tuple((r, int(pos[r]), float(val[r])) for r in rows[:n])
