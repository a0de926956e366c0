def interference(W):
    gram = W.mT @ W
    upper = gram.triu(1)
    return upper + upper.mT
