"""Makes parameters.json and answers.json: what torchvision names and shapes its parameters, and what it answers for weights and an input given by a formula.

usage: /usr/bin/python3 reference.py      (Debian's python3-torch, python3-torchvision; writes beside itself)
The formula is in ArchitectureTests.cs too. An architecture that torchvision lacks is put together here from PyTorch's own layers.
"""
import json, os, warnings
warnings.filterwarnings("ignore")
import numpy as np, torch, torch.nn as nn, torchvision.models as M
from torchvision.models.resnet import BasicBlock

def uniform(count, stream):
    h = np.arange(count, dtype=np.uint32) * np.uint32(2654435761) + np.uint32(stream * 0x9E3779B9 & 0xFFFFFFFF)
    h ^= h >> np.uint32(16); h *= np.uint32(0x85EBCA6B); h ^= h >> np.uint32(13); h *= np.uint32(0xC2B2AE35); h ^= h >> np.uint32(16)
    return (h >> np.uint32(8)).astype(np.float32) * np.float32(2.0 ** -24)

def value(name, shape, stream):
    u = uniform(int(np.prod(shape)), stream).reshape(shape)
    if name.endswith("num_batches_tracked"): return u
    if name.endswith("running_mean"): return (u - np.float32(0.5)) * np.float32(0.5)
    if name.endswith("running_var") or len(shape) == 1 and name.endswith("weight"): return u + np.float32(0.5)
    if len(shape) == 1: return (u - np.float32(0.5)) * np.float32(0.25)
    return (u - np.float32(0.5)) * np.float32(2 * (6 / np.prod(shape[1:])) ** 0.5)

class ResNet20(nn.Module):
    def __init__(self):
        super().__init__()
        def stage(i, o, stride):
            down = nn.Sequential(nn.Conv2d(i, o, 1, stride, bias=False), nn.BatchNorm2d(o)) if stride > 1 else None
            return nn.Sequential(BasicBlock(i, o, stride, down), BasicBlock(o, o), BasicBlock(o, o))
        self.conv1, self.bn1, self.relu = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()
        self.layer1, self.layer2, self.layer3, self.fc = stage(16, 16, 1), stage(16, 32, 2), stage(32, 64, 2), nn.Linear(64, 10)
    def forward(self, x):
        return self.fc(self.layer3(self.layer2(self.layer1(self.relu(self.bn1(self.conv1(x)))))).mean((2, 3)))

def generator():
    return nn.Sequential(nn.ConvTranspose2d(100, 128, 4), nn.BatchNorm2d(128), nn.ReLU(), nn.ConvTranspose2d(128, 64, 4, 2, 1), nn.BatchNorm2d(64), nn.ReLU(),
                         nn.ConvTranspose2d(64, 32, 4, 2, 1), nn.BatchNorm2d(32), nn.ReLU(), nn.ConvTranspose2d(32, 1, 4, 2, 1), nn.Tanh())

def discriminator():
    return nn.Sequential(nn.Conv2d(1, 32, 4, 2, 1), nn.LeakyReLU(.2), nn.Conv2d(32, 64, 4, 2, 1), nn.BatchNorm2d(64), nn.LeakyReLU(.2),
                         nn.Conv2d(64, 128, 4, 2, 1), nn.BatchNorm2d(128), nn.LeakyReLU(.2), nn.Conv2d(128, 1, 4), nn.Flatten())

def googlenet(**options): return M.googlenet(weights=None, init_weights=False, aux_logits=False, **options)

NETS = {
    "mlp": (lambda: nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 10)), (5, 784)),
    "resnet18": (lambda: M.resnet18(weights=None), (2, 3, 64, 64)),
    "resnet20": (ResNet20, (2, 3, 32, 32)),
    "alexnet": (lambda: M.alexnet(weights=None), (1, 3, 224, 224)),
    "vgg16": (lambda: M.vgg16(weights=None), (1, 3, 224, 224)),
    "googlenet": (googlenet, (1, 3, 224, 224)),
    "googlenet_transform": (lambda: googlenet(transform_input=True), (1, 3, 160, 192)),
    "squeezenet1_1": (lambda: M.squeezenet1_1(weights=None), (2, 3, 224, 224)),
    "dcgan_generator": (generator, (3, 100, 1, 1)),
    "dcgan_discriminator": (discriminator, (3, 1, 32, 32)),
}
parameters, answers = {}, {}
for net, (make, shape) in NETS.items():
    m = make().eval()
    state = m.state_dict()
    m.load_state_dict({k: torch.from_numpy(np.array(value(k, tuple(v.shape), i + 1))).to(v.dtype) for i, (k, v) in enumerate(state.items())})
    x = torch.from_numpy((uniform(int(np.prod(shape)), 0).reshape(shape) - np.float32(0.5)) * np.float32(4))
    with torch.no_grad(): y = m(x)
    flat = y.flatten()
    some = [int(i) for i in np.linspace(0, flat.numel() - 1, min(12, flat.numel()))]
    parameters[net] = {k: list(v.shape) for k, v in state.items()}
    answers[net] = {"input": list(shape), "output": list(y.shape), "deviation": float(flat.std()), "at": some, "values": [float(flat[i]) for i in some]}
    print(f"{net:22} {answers[net]['values'][:4]} +- {flat.std():.4}")
def write(name, nets):
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), name), "w") as f:
        f.write("{\n" + ",\n".join(f'  "{n}": {{\n' + ",\n".join(f'    "{k}": {json.dumps(s)}' for k, s in d.items()) + "\n  }" for n, d in nets.items()) + "\n}\n")
write("parameters.json", parameters); write("answers.json", answers)
