"""The peer to beat for MCAN: its small form trained the usual way, in eager PyTorch on padded batches.

It computes what openvqa computes (same parameters, same names, same loss, same optimizer), on the batch
of rwsan_torch.py, whose commands it has:

  python mcan_torch.py bench --only train --steps 5 [--compile] [--device cuda:0 --amp]
  python mcan_torch.py save FILE       weights, a batch and its logits, for StepBenchmark --model mcan_small --check
"""
import math

import torch
from torch import nn
from torch.nn import functional as F

import rwsan_torch
from rwsan_torch import MLP, StdNorm


class Config(rwsan_torch.Config):
    heads, layers, feed_forward, flat_mlp = 8, 6, 2048, 512


class FeedForward(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.mlp = MLP(c.hidden, c.feed_forward, c.hidden, c.dropout)

    def forward(self, x):
        return self.mlp(x)


class Attention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.heads, self.p = c.heads, c.dropout
        self.linear_v, self.linear_k, self.linear_q, self.linear_merge = (
            nn.Linear(c.hidden, c.hidden) for _ in range(4))

    def split(self, x):
        return x.view(x.size(0), x.size(1), self.heads, -1).transpose(1, 2)

    def forward(self, source, query, mask):
        v, k, q = self.split(self.linear_v(source)), self.split(self.linear_k(source)), self.split(self.linear_q(query))
        score = (q @ k.transpose(-1, -2) / math.sqrt(q.size(-1))).masked_fill(mask, -5e4)
        out = F.dropout(score.softmax(-1), self.p, self.training) @ v
        return self.linear_merge(out.transpose(1, 2).flatten(2))


class SelfUnit(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.mhatt, self.ffn, self.p = Attention(c), FeedForward(c), c.dropout
        self.norm1, self.norm2 = StdNorm(c.hidden), StdNorm(c.hidden)

    def forward(self, x, mask):
        x = self.norm1(x + F.dropout(self.mhatt(x, x, mask), self.p, self.training))
        return self.norm2(x + F.dropout(self.ffn(x), self.p, self.training))


class GuidedUnit(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.mhatt1, self.mhatt2, self.ffn, self.p = Attention(c), Attention(c), FeedForward(c), c.dropout
        self.norm1, self.norm2, self.norm3 = (StdNorm(c.hidden) for _ in range(3))

    def forward(self, x, y, x_mask, y_mask):
        y = self.norm1(y + F.dropout(self.mhatt1(y, y, y_mask), self.p, self.training))
        y = self.norm2(y + F.dropout(self.mhatt2(x, y, x_mask), self.p, self.training))
        return self.norm3(y + F.dropout(self.ffn(y), self.p, self.training))


class Backbone(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.enc_list = nn.ModuleList([SelfUnit(c) for _ in range(c.layers)])
        self.dec_list = nn.ModuleList([GuidedUnit(c) for _ in range(c.layers)])

    def forward(self, x, y, x_mask, y_mask):
        for unit in self.enc_list:
            x = unit(x, x_mask)
        for unit in self.dec_list:
            y = unit(x, y, x_mask, y_mask)
        return x, y


class Adapter(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.frcn_linear = nn.Linear(c.image_feat, c.hidden)

    def forward(self, image):
        return self.frcn_linear(image)


class MCAN(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.embedding = nn.Embedding(c.token_size, c.word_embed)
        self.lstm = nn.LSTM(c.word_embed, c.hidden, batch_first=True)
        self.adapter = Adapter(c)
        self.backbone = Backbone(c)
        self.attflat_img, self.attflat_lang = rwsan_torch.Pool(c), rwsan_torch.Pool(c)
        self.proj_norm, self.proj = StdNorm(c.flat_out), nn.Linear(c.flat_out, c.answer_size)

    def forward(self, image, question):
        x_mask, y_mask = (question == 0)[:, None, None, :], (image.abs().sum(-1) == 0)[:, None, None, :]
        x, y = self.lstm(self.embedding(question))[0], self.adapter(image)
        x, y = self.backbone(x, y, x_mask, y_mask)
        return self.proj(self.proj_norm(self.attflat_lang(x, x_mask) + self.attflat_img(y, y_mask)))


if __name__ == "__main__":
    rwsan_torch.main(MCAN, Config, __doc__)
