"""Makes arrays.zip: small files written by NumPy and PyTorch, for FormatTests.cs.

usage: /usr/bin/python3 reference.py      (Debian's python3-numpy 1.24, python3-torch 1.13; writes beside itself)
Elements follow one formula, value(i) below, which the tests repeat; the answers of the network are PyTorch's.
"""
import io, pathlib, pickle, warnings, zipfile
warnings.filterwarnings("ignore")
import collections
import numpy as np, torch, torch.nn as nn

entries = {}
def value(i): return i * 7 % 13 - 3
def array(shape, dtype):
    v = value(np.arange(int(np.prod(shape))))
    if np.dtype(dtype) == bool: v = v > 0
    elif np.dtype(dtype).kind == "u": v = v + 3
    elif np.dtype(dtype).kind == "f": v = v * 0.5
    return v.astype(dtype).reshape(shape)
def npy(a, version=None):
    out = io.BytesIO()
    np.lib.format.write_array(out, a, version=version, allow_pickle=True)
    return out.getvalue()

for kind in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"):
    for order in "CF":
        for endian in "<>":
            entries[f"npy/{kind}_{order}_{'le' if endian == '<' else 'be'}.npy"] = npy(np.asarray(array((2, 3, 4), endian + kind), order=order))
for version in (1, 2, 3): entries[f"npy/version{version}.npy"] = npy(array((2, 3, 4), "f4"), (version, 0))
entries["shapes/scalar.npy"] = npy(array((), "f4"))
entries["shapes/vector.npy"] = npy(array((5,), "i8"))
entries["shapes/matrix.npy"] = npy(array((3, 2), "b1"))
entries["shapes/empty.npy"] = npy(array((0, 4), "f4"))
entries["refused/object.npy"] = npy(np.array([{}, None], dtype=object))
entries["refused/complex.npy"] = npy(np.zeros(3, "c8"))
entries["refused/structured.npy"] = npy(np.zeros(3, [("a", "f4"), ("b", "i4")]))
for name, save in (("stored", np.savez), ("deflated", np.savez_compressed)):
    out = io.BytesIO()
    save(out, **{"layer.weight": array((4, 3), "f4"), "layer.bias": array((4,), "f8"), "steps": array((), "i8")})
    entries[f"npz/{name}.npz"] = out.getvalue()

def pt(value, legacy=False, protocol=2):
    out = io.BytesIO()
    torch.save(value, out, _use_new_zipfile_serialization=not legacy, pickle_protocol=protocol)
    return out.getvalue()
def both(name, value):
    entries[f"pt/{name}.zip.pt"] = pt(value)
    entries[f"pt/{name}.legacy.pt"] = pt(value, legacy=True)

t = lambda shape, dtype: torch.from_numpy(array(shape, "b1" if dtype == torch.bool else "f4" if dtype.is_floating_point else "u1" if dtype == torch.uint8 else "i8").copy()).to(dtype)
both("types", {str(d).split(".")[1]: t((2, 3), d) for d in (torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool)})
base = t((4, 6), torch.float32)
both("views", {"base": base, "transposed": base.t(), "column": base[:, 2], "block": base[1:3, 2:5], "steps": base[::2, ::3], "expanded": base[0, :1].expand(3, 2), "scalar": base[2, 3],
               "empty": base[:0], "same": base, "parameter": nn.Parameter(base[2])})
both("nested", collections.OrderedDict(epoch=3, best=0.5, name="net", layers=[{"w": base[0]}, {"w": base[1]}], pair=(base[2], None), size=base.shape, big=1 << 70, raw=b"\x00\xff"))
both("single", base)
for protocol in (3, 4, 5): entries[f"pt/base.protocol{protocol}.pt"] = pt({"base": base}, protocol=protocol)

torch.manual_seed(3)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU())
        self.head = nn.Linear(4 * 5 * 5, 3)
    def forward(self, x): return self.head(self.features(x).flatten(1))
net = Net()
net.features[1].running_mean.uniform_(-1, 1); net.features[1].running_var.uniform_(0.5, 2)
net.eval()
x = torch.randn(2, 2, 5, 5)
both("state", net.state_dict())
optimizer = torch.optim.Adam(net.parameters()); net(x).sum().backward(); optimizer.step()
both("checkpoint", {"epoch": 4, "state_dict": net.state_dict(), "optimizer": optimizer.state_dict()})
both("answers", {"input": x, "output": net(x).detach()})
entries["refused/module.pt"] = pt(net)
entries["refused/sparse.pt"] = pt({"a": torch.eye(3).to_sparse()})
entries["refused/scalar.pt"] = pt({"a": base, "loss": np.float64(3)})
class Evil:
    def __reduce__(self): return (print, ("this must never be printed",))
entries["refused/evil.pt"] = pt({"a": base, "b": Evil()})
entries["refused/plain.pickle.pt"] = pickle.dumps({"a": 1}, 2)
script = io.BytesIO(); torch.jit.save(torch.jit.script(nn.Linear(2, 2)), script)
entries["refused/script.pt"] = script.getvalue()

with zipfile.ZipFile(pathlib.Path(__file__).with_name("arrays.zip"), "w", zipfile.ZIP_DEFLATED) as archive:
    for name, data in entries.items(): archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED, 9)
