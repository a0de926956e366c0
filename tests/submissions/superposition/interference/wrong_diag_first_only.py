def interference(W):
    gram = W.mT @ W
    gram[0].fill_diagonal_(0)
    return gram
