"""Makes photos.txt: name, size and SHA-256 of each photo's RGB bytes as Pillow reads them upright, and of the same scaled to 200 x 150 by each filter.

usage: /usr/bin/python3 photos.py DATA/photos > photos.txt
"""
import hashlib, pathlib, sys
from PIL import Image, ImageOps

for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    if path.suffix.lower() not in (".jpg", ".jpeg", ".png"): continue
    image = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    total = hashlib.sha256(image.tobytes())
    for name in ("BOX", "BILINEAR", "BICUBIC", "LANCZOS"): total.update(image.resize((200, 150), getattr(Image.Resampling, name)).tobytes())
    print(path.name, image.width, image.height, total.hexdigest())
