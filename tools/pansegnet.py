"""PanSegNet's network in PyTorch, with the original's parameter names, so that its state dict is an nnU-Net v1 one.

A 3-D U-Net (two convolutions per level, strided pooling, transposed convolutions) with a linear-attention
transformer on the bottleneck. Only the last of `seg_outputs` is used for inference; the others serve deep
supervision. Sizes are in voxels, z-y-x.
"""
import math

import torch
from torch import nn

HEADS = 8


class ConvDropoutNormNonlin(nn.Module):
    """Convolution, instance normalization, leaky ReLU (the original's dropout has probability 0)."""

    def __init__(self, channels_in, channels_out, kernel, stride=(1, 1, 1)):
        super().__init__()
        self.conv = nn.Conv3d(channels_in, channels_out, kernel, stride, [k // 2 for k in kernel], bias=True)
        self.instnorm = nn.InstanceNorm3d(channels_out, eps=1e-5, affine=True)
        self.lrelu = nn.LeakyReLU(1e-2, inplace=True)

    def forward(self, x):
        return self.lrelu(self.instnorm(self.conv(x)))


class StackedConvLayers(nn.Module):
    def __init__(self, channels_in, channels_out, kernel, count, first_stride=(1, 1, 1)):
        super().__init__()
        self.blocks = nn.Sequential(*[
            ConvDropoutNormNonlin(channels_in if i == 0 else channels_out, channels_out, kernel,
                                  first_stride if i == 0 else (1, 1, 1))
            for i in range(count)])

    def forward(self, x):
        return self.blocks(x)


class LinearAttention(nn.Module):
    """softmax(q over a head's dims) / sqrt(dims) times (softmax(k over tokens)^T v): linear in the token count."""

    def __init__(self, dims):
        super().__init__()
        self.linears = nn.ModuleList([nn.Linear(dims, dims) for _ in range(4)])

    def forward(self, x):
        batch, tokens, dims = x.shape
        head_dims = dims // HEADS
        q, k, v = [linear(x).view(batch, tokens, HEADS, head_dims).transpose(1, 2) for linear in self.linears[:3]]
        q = torch.softmax(q, dim=-1) / math.sqrt(head_dims)
        context = torch.softmax(k, dim=-2).transpose(2, 3) @ v
        return self.linears[3]((q @ context).transpose(1, 2).reshape(batch, tokens, dims))


class EncoderLayer(nn.Module):
    def __init__(self, dims):
        super().__init__()
        self.self_attn = LinearAttention(dims)
        self.linear1 = nn.Linear(dims, dims)
        self.linear2 = nn.Linear(dims, dims)
        self.layer_norm1 = nn.LayerNorm(dims, eps=1e-6)
        self.layer_norm2 = nn.LayerNorm(dims, eps=1e-6)

    def forward(self, x):
        x = self.layer_norm1(x + self.self_attn(x))
        return self.layer_norm2(x + self.linear2(nn.functional.gelu(self.linear1(x))))


class Transformer(nn.Module):
    def __init__(self, dims, layers):
        super().__init__()
        self.layers = nn.ModuleList([EncoderLayer(dims) for _ in range(layers)])

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


class PositionalEncoding(nn.Module):
    """The sine and cosine code of the token index, kept as a buffer: its length fixes the patch size."""

    def __init__(self, tokens, dims):
        super().__init__()
        position = torch.arange(tokens, dtype=torch.float32)[:, None]
        rate = torch.exp(torch.arange(0, dims, 2, dtype=torch.float32) * (-math.log(10000.0) / dims))
        pe = torch.zeros(1, tokens, dims)
        pe[0, :, 0::2] = torch.sin(position * rate)
        pe[0, :, 1::2] = torch.cos(position * rate)
        self.register_buffer('pe', pe)

    def forward(self, x):
        return x + self.pe


class BottleneckAttention(nn.Module):
    def __init__(self, channels, tokens, dims, layers):
        super().__init__()
        self.linear_proj = nn.Linear(channels, dims)
        self.linear_back_proj = nn.Linear(dims, channels)
        self.pos_encode = PositionalEncoding(tokens, dims)
        self.transformer = Transformer(dims, layers)

    def forward(self, x):
        tokens = x.flatten(2).transpose(1, 2)
        tokens = self.transformer(self.pos_encode(self.linear_proj(tokens)))
        return self.linear_back_proj(tokens).transpose(1, 2).reshape(x.shape)


class PanSegNet(nn.Module):
    """`pools` and `kernels` as in the plans (kernels has one entry more); `features` per level, bottleneck last."""

    def __init__(self, features, pools, kernels, patch, dims, layers, classes=2):
        super().__init__()
        levels = len(pools)
        self.conv_blocks_localization = nn.ModuleList()
        self.conv_blocks_context = nn.ModuleList()
        self.tu = nn.ModuleList()
        self.seg_outputs = nn.ModuleList()
        for d in range(levels):
            stride = pools[d - 1] if d > 0 else (1, 1, 1)
            self.conv_blocks_context.append(
                StackedConvLayers(features[d - 1] if d > 0 else 1, features[d], kernels[d], 2, stride))
        self.conv_blocks_context.append(nn.Sequential(
            StackedConvLayers(features[levels - 1], features[levels], kernels[levels], 1, pools[-1]),
            StackedConvLayers(features[levels], features[levels], kernels[levels], 1)))
        below = features[levels]
        for u in range(levels):
            skip = features[levels - 1 - u]
            self.tu.append(nn.ConvTranspose3d(below, skip, pools[-(u + 1)], pools[-(u + 1)], bias=False))
            kernel = kernels[-(u + 1)]
            self.conv_blocks_localization.append(nn.Sequential(
                StackedConvLayers(2 * skip, skip, kernel, 1), StackedConvLayers(skip, skip, kernel, 1)))
            self.seg_outputs.append(nn.Conv3d(skip, classes, 1, bias=False))
            below = skip
        stride = [math.prod(p[a] for p in pools) for a in range(3)]
        tokens = math.prod(patch[a] // stride[a] for a in range(3))
        self.self_atten = BottleneckAttention(features[levels], tokens, dims, layers)

    def decode(self, x):
        """Feature maps of the decoder, deepest first."""
        skips = []
        for block in self.conv_blocks_context[:-1]:
            x = block(x)
            skips.append(x)
        x = self.self_atten(self.conv_blocks_context[-1](x))
        maps = []
        for up, block in zip(self.tu, self.conv_blocks_localization):
            x = block(torch.cat((up(x), skips.pop()), dim=1))
            maps.append(x)
        return maps

    def deep_logits(self, x):
        """Logits of every decoder level, full resolution first: for deep supervision in training."""
        return [head(m) for head, m in zip(self.seg_outputs, self.decode(x))][::-1]

    def forward(self, x):
        return self.seg_outputs[-1](self.decode(x)[-1])
