def duplicate_token_score(pattern, tokens):
    same = (tokens[:, :, None] == tokens[:, None, :]).tril(-1)
    per = (pattern * same[:, None]).sum(-1)
    out = per.sum(-1) / same.any(-1).sum(-1, keepdim=True)
    return out.nanmean(0).nan_to_num(0)
