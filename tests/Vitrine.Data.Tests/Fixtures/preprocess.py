"""Makes preprocess.safetensors: small pictures and what torchvision's transforms and, for Caffe's networks, Pillow make of them.

usage: /usr/bin/python3 preprocess.py      (Debian's python3-torchvision on Pillow 9.4; writes beside itself)
PICTURE.pixels is [height, width, channels] in 0..255; PICTURE.CASE is the network's input. The cases are those of PreprocessTests.cs.
"""
import json, pathlib, struct, warnings
warnings.filterwarnings("ignore")
import numpy as np
from PIL import Image
from torchvision import transforms as T
from torchvision.transforms import InterpolationMode as M

def scene(height, width, channels):
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(channels), indexing="ij")
    return ((x * 37 + y * 59 + c * 83 + x * y * 3) % 256 * ((x // 6 + y // 4) % 3 + 1) // 3).astype(np.uint8)

normalize = T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
def caffe(image):
    w, h = image.size
    size = (16, round(16 * h / w)) if w < h else (round(16 * w / h), 16)
    left, top = (size[0] - 11) // 2, (size[1] - 11) // 2
    cut = image.convert("RGB").resize(size, Image.Resampling.BILINEAR).crop((left, top, left + 11, top + 11))
    return np.asarray(cut).astype(np.float32)[:, :, ::-1].transpose(2, 0, 1) - np.array([104, 117, 123], np.float32)[:, None, None]
cases = {
    "imagenet": lambda i: T.Compose([T.Resize(16), T.CenterCrop(11), T.ToTensor(), normalize])(i.convert("RGB")).numpy(),
    "caffe": caffe,
    "bicubic": lambda i: T.Compose([T.Resize(40, M.BICUBIC), T.CenterCrop(12), T.ToTensor()])(i.convert("RGB")).numpy(),
    "grey": lambda i: T.Compose([T.Resize(16), T.ToTensor()])(i.convert("RGB").convert("L")).numpy(),
    "plain": lambda i: T.ToTensor()(i.convert("RGB")).numpy(),
}
tensors = {}
for name, (height, width, channels) in {"wide": (21, 34, 3), "tall": (33, 20, 3), "clear": (18, 25, 4)}.items():
    pixels = scene(height, width, channels)
    tensors[name + ".pixels"] = pixels.astype(np.float32)
    for case, f in cases.items(): tensors[f"{name}.{case}"] = f(Image.fromarray(pixels))

header, data = {}, b""
for name, t in tensors.items():
    raw = np.ascontiguousarray(t, np.float32).tobytes()
    header[name] = {"dtype": "F32", "shape": list(t.shape), "data_offsets": [len(data), len(data) + len(raw)]}
    data += raw
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
pathlib.Path(__file__).with_name("preprocess.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)
