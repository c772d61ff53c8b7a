"""nano's network: a small llama (RMSNorm, interleaved RoPE, SwiGLU, tied embeddings)."""

import torch
import torch.nn.functional as F
from torch import nn

CONFIG = {"dim": 128, "layers": 4, "heads": 4, "hidden": 352, "context": 1024, "eps": 1e-5, "rope_base": 10000.0}


def rope_tables(config):
    """cos and sin for every position and every pair of a head's dimensions."""
    half = config["dim"] // config["heads"] // 2
    frequency = config["rope_base"] ** (-torch.arange(half).float() / half)
    angle = torch.arange(config["context"]).float()[:, None] * frequency
    return angle.cos(), angle.sin()


def rotate(x, cos, sin):
    """RoPE on neighbouring pairs, the form llama.cpp uses for this architecture."""
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack((a * cos - b * sin, a * sin + b * cos), -1).flatten(-2)


class Block(nn.Module):
    def __init__(self, config):
        super().__init__()
        dim, hidden, eps = config["dim"], config["hidden"], config["eps"]
        self.heads = config["heads"]
        self.attn_norm, self.ffn_norm = nn.RMSNorm(dim, eps), nn.RMSNorm(dim, eps)
        self.q, self.k, self.v, self.o = (nn.Linear(dim, dim, bias=False) for _ in range(4))
        self.gate, self.up = (nn.Linear(dim, hidden, bias=False) for _ in range(2))
        self.down = nn.Linear(hidden, dim, bias=False)

    def forward(self, x, cos, sin, past=None):
        batch, length, dim = x.shape
        y = self.attn_norm(x)
        q, k, v = (f(y).view(batch, length, self.heads, -1).transpose(1, 2) for f in (self.q, self.k, self.v))
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        mask = None
        if past is not None:
            k, v = torch.cat((past[0], k), 2), torch.cat((past[1], v), 2)
            mask = torch.ones(length, k.shape[2], dtype=torch.bool).tril(k.shape[2] - length)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=past is None)
        x = x + self.o(y.transpose(1, 2).reshape(batch, length, dim))
        y = self.ffn_norm(x)
        return x + self.down(F.silu(self.gate(y)) * self.up(y)), (k, v)


class Nano(nn.Module):
    def __init__(self, vocab, config=CONFIG):
        super().__init__()
        self.config = config
        self.embed = nn.Embedding(vocab, config["dim"])
        self.blocks = nn.ModuleList(Block(config) for _ in range(config["layers"]))
        self.norm = nn.RMSNorm(config["dim"], config["eps"])
        cos, sin = rope_tables(config)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        self.apply(self._start)
        for block in self.blocks:
            for layer in (block.o, block.down):
                nn.init.zeros_(layer.weight)

    @staticmethod
    def _start(module):
        if isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=0.02)

    def forward(self, ids, past=None):
        """Logits, and the keys and values to continue from."""
        start = past[0][0].shape[2] if past else 0
        cos, sin = (t[start : start + ids.shape[1]] for t in (self.cos, self.sin))
        x, kept = self.embed(ids), []
        for i, block in enumerate(self.blocks):
            x, pair = block(x, cos, sin, past[i] if past else None)
            kept.append(pair)
        return F.linear(self.norm(x), self.embed.weight), kept
