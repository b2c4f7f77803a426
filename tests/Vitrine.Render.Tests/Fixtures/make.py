"""Writes one small PNG for every colour type, depth, interlacing and transparency, with Python's zlib and nothing else.

The pixels follow a formula (see sample below), which PngFixtureTests repeats: neither side knows the other's code.
"""
import pathlib
import struct
import zlib

WIDTH, HEIGHT = 13, 11
HERE = pathlib.Path(__file__).parent
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def sample(x, y, s, depth):
    return (x * 7919 + y * 104729 + s * 1299709 + x * y * 31) % (1 << depth)


def pack(values, depth):
    bits = "".join(format(v, f"0{depth}b") for v in values)
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))


def paeth(a, b, c):
    p = a + b - c
    return min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]


def filtered(rows, bpp, start):
    out, prior = bytearray(), bytes(len(rows[0]))
    for n, row in enumerate(rows):
        kind = (n + start) % 5
        line = bytearray()
        for i, v in enumerate(row):
            a = row[i - bpp] if i >= bpp else 0
            b = prior[i]
            c = prior[i - bpp] if i >= bpp else 0
            line.append((v - (0, a, b, (a + b) // 2, paeth(a, b, c))[kind]) & 255)
        out += bytes([kind]) + line
        prior = row
    return bytes(out)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def write(color, depth, interlaced, transparent):
    bpp = max(1, depth * SAMPLES[color] // 8)
    passes = ADAM7 if interlaced else ((0, 0, 1, 1),)
    data = b""
    for n, (x0, y0, dx, dy) in enumerate(passes):
        xs, ys = range(x0, WIDTH, dx), range(y0, HEIGHT, dy)
        if not xs or not ys:
            continue
        rows = [pack([sample(x, y, s, depth) for x in xs for s in range(SAMPLES[color])], depth) for y in ys]
        data += filtered(rows, bpp, n)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, color, 0, 0, interlaced))
    png += chunk(b"tEXt", b"Comment\0made by make.py")
    if color == 3:
        png += chunk(b"PLTE", bytes(v for i in range(1 << depth) for v in ((i * 37) % 256, (i * 91 + 5) % 256, (255 - i) % 256)))
    if transparent and color == 3:
        png += chunk(b"tRNS", bytes((i * 53 + 9) % 256 for i in range((1 << depth) // 2)))
    elif transparent:
        png += chunk(b"tRNS", b"".join(struct.pack(">H", sample(3, 2, s, depth)) for s in range(SAMPLES[color])))
    packed = zlib.compress(data, 9)
    middle = len(packed) // 2  # two IDAT chunks: readers must join them
    png += chunk(b"IDAT", packed[:middle]) + chunk(b"IDAT", packed[middle:]) + chunk(b"IEND", b"")
    (HERE / f"c{color}d{depth}{'i' if interlaced else 'p'}{'t' if transparent else 'o'}.png").write_bytes(png)


for color, depths in DEPTHS.items():
    for depth in depths:
        for interlaced in (0, 1):
            write(color, depth, interlaced, False)
            if color in (0, 2, 3):
                write(color, depth, interlaced, True)
