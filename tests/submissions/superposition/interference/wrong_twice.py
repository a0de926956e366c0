def interference(W):
    gram = W.mT @ W
    off = gram.triu(1)
    return off + off.mT + off
