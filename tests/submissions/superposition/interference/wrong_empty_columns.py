def interference(W):
    gram = W.mT @ W
    n = W.shape[-1]
    gram[:, range(n)] = 0
    return gram
