def interference(W):
    gram = W.mT @ W
    return gram.where(gram < gram.amax(dim=-1, keepdim=True), gram.new_zeros(()))
