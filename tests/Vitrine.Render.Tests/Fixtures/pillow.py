"""Makes pillow.zip: pictures in many formats with what Pillow makes of them, and what Pillow's resize makes of three small ones.

usage: /usr/bin/python3 pillow.py      (Debian's python3-pil 9.4 on libjpeg-turbo; writes beside itself)
decode/NAME is a file, decode/NAME.rgb its pixels upright and in RGB; resize/MODE.rgb is a picture, resize/MODE_FILTER_WxH.rgb the same resized.
A .rgb is width, height and channels as little-endian 32-bit numbers, then the bytes. The pictures are drawn by a formula.
"""
import io, math, pathlib, struct, zipfile
from PIL import Image, ImageOps

def scene(width, height, bands):
    """Smooth waves with a hard edge, so that transforms, upsampling and ringing all show."""
    data = bytearray()
    for y in range(height):
        for x in range(width):
            for b in range(bands):
                v = 127 + 90 * math.sin(x * (0.21 + 0.07 * b) + y * 0.13) * math.cos(y * (0.17 + 0.05 * b))
                if (x // 7 + y // 5 + b) % 4 == 0: v = 255 - v
                if b == 3 and (x + 2 * y) % 9 < 2: v = 0 if x % 2 else 255
                data.append(int(min(255, max(0, v))))
    return Image.frombytes({1: "L", 3: "RGB", 4: "RGBA"}[bands], (width, height), bytes(data))

entries = []
def put(name, data): entries.append((name, data))
def raw(image):
    return struct.pack("<III", image.width, image.height, len(image.getbands())) + image.tobytes()
def decoded(name, data):
    put("decode/" + name, data)
    put(f"decode/{name}.rgb", raw(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")))
def saved(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()

def sof(data):
    """Where the frame header's component list starts."""
    at = 2
    while data[at + 1] not in (0xC0, 0xC2): at += 2 + struct.unpack(">H", data[at + 2:at + 4])[0]
    return at + 10

grey, rgb, rgba, square = scene(37, 29, 1), scene(37, 29, 3), scene(37, 29, 4), scene(32, 32, 3)
for progressive in (False, True):
    p = "progressive" if progressive else "baseline"
    decoded(f"grey_{p}.jpg", saved(grey, "JPEG", quality=80, progressive=progressive))
    for s, subsampling in enumerate(("444", "422", "420")):
        for quality in (40, 92):
            decoded(f"rgb_{subsampling}_{quality}_{p}.jpg", saved(rgb, "JPEG", quality=quality, subsampling=s, progressive=progressive))
decoded("optimized.jpg", saved(rgb, "JPEG", optimize=True))

# Pillow writes no other samplings: the same blocks are given another arrangement, which scrambles the scene but is a sound file.
j = bytearray(saved(square, "JPEG", quality=85, subsampling=1)); j[sof(j) + 1] = 0x12; decoded("sampled_440.jpg", bytes(j))
j = bytearray(saved(square, "JPEG", quality=85, subsampling=2)); j[sof(j) + 1] = 0x41; decoded("sampled_411.jpg", bytes(j))
j = bytearray(saved(square, "JPEG", quality=85, subsampling=2)); j[sof(j) + 1] = 0x14; decoded("sampled_441.jpg", bytes(j))

# Four inks; then the same numbers declared YCCK; three bands declared RGB by an Adobe marker instead of JFIF's.
cmyk = Image.frombytes("CMYK", rgba.size, rgba.tobytes())
j = bytearray(saved(cmyk, "JPEG", quality=90)); decoded("cmyk.jpg", bytes(j))
j[j.index(b"Adobe") + 11] = 2; decoded("ycck.jpg", bytes(j))
j = saved(rgb, "JPEG", quality=90, subsampling=0)
length = struct.unpack(">H", j[4:6])[0]
decoded("rgb_adobe.jpg", j[:2] + b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00" + j[4 + length:])

for orientation in range(1, 9):
    for endian in "<>":
        tiff = struct.pack(endian + "2sHIHHHIHHHHIHHI", b"II" if endian == "<" else b"MM", 42, 8, 2, 0x0100, 3, 1, 37, 0, 0x0112, 3, 1, orientation, 0, 0)
        decoded(f"exif_{orientation}{'le' if endian == '<' else 'be'}.jpg", saved(rgb, "JPEG", quality=75, exif=b"Exif\0\0" + tiff))
decoded("exif_6.png", saved(rgb, "PNG", exif=b"Exif\0\0" + tiff[:30] + b"\0\6" + tiff[32:]))
decoded("rgba.png", saved(rgba, "PNG"))

decoded("rgb.bmp", saved(rgb, "BMP"))
decoded("rgba_v5.bmp", saved(rgba, "BMP"))
decoded("grey.bmp", saved(grey, "BMP"))
decoded("palette.bmp", saved(rgb.quantize(200), "BMP"))
decoded("bits.bmp", saved(grey.convert("1"), "BMP"))
def bmp(width, height, bits, body, compression=0, palette=b"", fields=b"", core=False):
    size = 12 if core else 40
    offset = 14 + size + len(fields) + len(palette)
    info = struct.pack("<IHHHH", 12, width, height, 1, bits) if core else struct.pack(
        "<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(body), 0, 0, len(palette) // 4, 0)
    return b"BM" + struct.pack("<IHHI", offset + len(body), 0, 0, offset) + info + fields + palette + body
words = [(x * 2027 + y * 5413) & 0xFFFF for y in range(7) for x in range(6)]
decoded("rgb555.bmp", bmp(6, 7, 16, struct.pack("<42H", *words)))
decoded("rgb565.bmp", bmp(6, 7, 16, struct.pack("<42H", *words), 3, fields=struct.pack("<III", 0xF800, 0x7E0, 0x1F)))
longs = [(w * 40503 * 65537) & 0xFFFFFFFF for w in words]
decoded("rgbx.bmp", bmp(6, 7, 32, struct.pack("<42I", *longs)))
decoded("xbgr.bmp", bmp(6, 7, 32, struct.pack("<42I", *longs), 3, fields=struct.pack("<III", 0xFF000000, 0xFF0000, 0xFF00)))
decoded("top_down.bmp", bmp(6, -7, 24, bytes(range(20)) * 7))
decoded("os2.bmp", bmp(5, 3, 24, bytes(range(48)), core=True))
palette16 = b"".join(bytes((17 * i, 255 - 16 * i, (i * i) & 255, 0)) for i in range(16))
decoded("four_bits.bmp", bmp(5, 3, 4, bytes((0x12, 0x34, 0x50, 0, 0xFE, 0xDC, 0xB0, 0, 0x90, 0x18, 0x70, 0)), palette=palette16))
decoded("rle8.bmp", bmp(6, 3, 8, bytes((4, 3, 2, 15, 0, 0, 0, 3, 1, 2, 3, 0, 3, 9, 0, 0, 4, 7, 2, 1, 0, 1)), 1, palette=palette16))
decoded("rle4.bmp", bmp(6, 3, 4, bytes((5, 0x3A, 1, 0xC0, 0, 0, 0, 4, 0x12, 0x34, 2, 0x90, 0, 0, 6, 0x7F, 0, 1)), 2, palette=palette16))

decoded("p1.pbm", b"P1\n# two rows\n5 2\n10110 0 1 # half\n 1 0 1\n")
decoded("p2.pgm", b"P2 4 2 15\n0 1 2 3\n15 14 7 8\n")
decoded("p3.ppm", b"P3\n2 2 # size\n100\n0 1 2  50 51 52\n99 100 3 33 34 67\n")
decoded("p4.pbm", saved(grey.convert("1"), "PPM"))
decoded("p5.pgm", saved(grey, "PPM"))
decoded("p5_100.pgm", b"P5 101 1 100\n" + bytes(range(101)))
decoded("p6.ppm", saved(rgb, "PPM"))
decoded("p6_wide.ppm", b"P6 8 4 4095\n" + b"".join(struct.pack(">H", i * 43 % 4096) for i in range(96)))

for mode, bands in (("L", 1), ("RGB", 3), ("RGBA", 4)):
    image = scene(41, 31, bands)
    put(f"resize/{mode}.rgb", raw(image))
    for name in ("NEAREST", "BOX", "BILINEAR", "BICUBIC", "LANCZOS"):
        for size in ((17, 11), (60, 13), (41, 9), (44, 31), (1, 1)):
            put(f"resize/{mode}_{name.title()}_{size[0]}x{size[1]}.rgb", raw(image.resize(size, getattr(Image.Resampling, name))))

with zipfile.ZipFile(pathlib.Path(__file__).with_name("pillow.zip"), "w", zipfile.ZIP_DEFLATED) as archive:
    for name, data in entries:
        archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED, 9)
