"""Writes the goldens of ModuleGoldenTests: small PyTorch modules, run forwards and backwards.

usage: /usr/bin/python3 modules.py      (Debian's python3-torch; writes NAME.safetensors beside itself)
Each file holds the state dict (state.*), the inputs (in.0, ...), the outputs (out.0, ...), the gradient given to each output (seed.0, ...) and the
gradients of the sum of output x seed with respect to the float inputs (grad.in.0, ...) and the parameters (grad.*). A module run in training mode also
has its buffers after the run (after.*).
"""
import json, os, struct
import torch, torch.nn as nn

HERE = os.path.dirname(os.path.abspath(__file__))


def save(name, tensors):
    header, body = {}, b""
    for key in sorted(tensors):
        t = tensors[key].detach().contiguous()
        data = t.numpy().tobytes()
        dtype = {torch.float32: "F32", torch.int64: "I64", torch.bool: "BOOL"}[t.dtype]
        header[key] = {"dtype": dtype, "shape": list(t.shape), "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(os.path.join(HERE, name + ".safetensors"), "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + body)


def golden(name, module, inputs, forward=None, training=False):
    torch.manual_seed(7)
    module.train(training)
    module.zero_grad()
    for p in module.parameters():
        with torch.no_grad():
            p.copy_(torch.randn_like(p) * 0.4)
    before = {key: value.clone() for key, value in module.state_dict().items()}
    inputs = [x.requires_grad_(True) if x.dtype == torch.float32 else x for x in inputs]
    outputs = (forward or module)(*inputs)
    outputs = list(outputs) if isinstance(outputs, (tuple, list)) else [outputs]
    seeds = [torch.randn_like(y) for y in outputs]
    sum((y * s).sum() for y, s in zip(outputs, seeds)).backward()
    tensors = {}
    for key, value in before.items(): tensors["state." + key] = value
    if training: tensors.update({"after." + key: value for key, value in module.named_buffers()})
    for i, x in enumerate(inputs):
        tensors[f"in.{i}"] = x
        if x.dtype == torch.float32: tensors[f"grad.in.{i}"] = x.grad
    for i, y in enumerate(outputs): tensors[f"out.{i}"], tensors[f"seed.{i}"] = y, seeds[i]
    for key, value in module.named_parameters(): tensors["grad." + key] = value.grad
    save(name, tensors)


def packed(module):
    def f(x, *rest):
        *start, lengths = rest
        start = tuple(start) if len(start) > 1 else start[0] if start else None
        p = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        y, state = module(p, start)
        y, _ = nn.utils.rnn.pad_packed_sequence(y, batch_first=True, total_length=x.shape[1])
        return (y, *state) if isinstance(state, tuple) else (y, state)
    return f


def flat(module):
    def f(x, *start):
        y, state = module(x, tuple(start) if len(start) > 1 else start[0] if start else None)
        return (y, *state) if isinstance(state, tuple) else (y, state)
    return f


torch.manual_seed(1)
N, T, I, H = 3, 5, 4, 6
R = torch.randn
lengths = torch.tensor([3, 5, 1])
for kind, cls, states in (("lstm", nn.LSTM, 2), ("gru", nn.GRU, 1), ("rnn", nn.RNN, 1)):
    m = cls(I, H, 1, batch_first=True)
    golden(kind, m, [R(N, T, I)], flat(m))
    m = cls(I, H, 2, batch_first=True, bidirectional=True)
    golden(kind + "_deep", m, [R(N, T, I)] + [R(4, N, H) for _ in range(states)], flat(m))
    m = cls(I, H, 1, batch_first=True, bidirectional=True)
    golden(kind + "_packed", m, [R(N, T, I), lengths], packed(m))
m = nn.RNN(I, H, 1, nonlinearity="relu", batch_first=True, bias=False)
golden("rnn_relu", m, [R(N, T, I)], flat(m))

E, HEADS, S = 8, 2, 4
m = nn.MultiheadAttention(E, HEADS, batch_first=True)
golden("attention", m, [R(N, T, E), R(N, S, E), R(N, S, E)], lambda q, k, v: m(q, k, v, need_weights=False)[0])
# True is where attention is allowed here, where it is forbidden in PyTorch.
allowed = torch.ones(T, T).tril().bool()
golden("attention_masked", m, [R(N, T, E), allowed], lambda x, a: m(x, x, x, need_weights=False, attn_mask=~a)[0])
m = nn.MultiheadAttention(E, HEADS, bias=False, kdim=3, vdim=5, batch_first=True)
golden("attention_dims", m, [R(N, T, E), R(N, S, 3), R(N, S, 5)], lambda q, k, v: m(q, k, v, need_weights=False)[0])
golden("encoder_layer", nn.TransformerEncoderLayer(E, HEADS, 12, 0.0, batch_first=True), [R(N, T, E)])
golden("encoder_layer_pre", nn.TransformerEncoderLayer(E, HEADS, 12, 0.0, activation="gelu", batch_first=True, norm_first=True), [R(N, T, E)])
golden("decoder_layer", nn.TransformerDecoderLayer(E, HEADS, 12, 0.0, batch_first=True), [R(N, T, E), R(N, S, E)])
m2 = nn.TransformerDecoderLayer(E, HEADS, 12, 0.0, activation="gelu", batch_first=True, norm_first=True)
golden("decoder_layer_pre", m2, [R(N, T, E), R(N, S, E), allowed], lambda x, y, a: m2(x, y, tgt_mask=~a))
golden("encoder", nn.TransformerEncoder(nn.TransformerEncoderLayer(E, HEADS, 12, 0.0, batch_first=True), 2, nn.LayerNorm(E)), [R(N, T, E)])
golden("decoder", nn.TransformerDecoder(nn.TransformerDecoderLayer(E, HEADS, 12, 0.0, batch_first=True), 2), [R(N, T, E), R(N, S, E)])
golden("layer_norm", nn.LayerNorm([3, 4]), [R(2, 5, 3, 4)])
golden("group_norm", nn.GroupNorm(2, 6), [R(2, 6, 3, 4)])
golden("instance_norm", nn.InstanceNorm2d(3, affine=True), [R(2, 3, 3, 4)])
golden("bilinear", nn.Bilinear(3, 4, 5), [R(2, 6, 3), R(2, 6, 4)])
golden("conv1d", nn.Conv1d(4, 6, 3, stride=2, padding=1, groups=2), [R(2, 4, 9)])
golden("conv3d", nn.Conv3d(2, 3, 2, stride=1, padding=1), [R(2, 2, 3, 4, 3)])
golden("conv_transpose1d", nn.ConvTranspose1d(4, 3, 3, stride=2, padding=1, output_padding=1), [R(2, 4, 5)])
golden("conv_transpose3d", nn.ConvTranspose3d(4, 4, (2, 3, 2), stride=2, padding=(0, 1, 1), output_padding=(1, 0, 1), groups=2), [R(2, 4, 2, 3, 2)])
m = nn.InstanceNorm2d(3, affine=True, track_running_stats=True, momentum=0.3)
m.running_mean.copy_(R(3))
m.running_var.copy_(torch.rand(3) + 0.5)
golden("instance_norm_tracked", m, [R(2, 3, 3, 4)])
golden("instance_norm_tracking", m, [R(2, 3, 3, 4)], training=True)
