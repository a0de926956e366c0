def interference(W):
    gram = W @ W.mT
    for one in gram:
        one.fill_diagonal_(0)
    return gram
