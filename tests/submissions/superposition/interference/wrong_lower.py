def interference(W):
    return (W.mT @ W).tril(-1)
