"""Makes the small transparent pictures of transparent/, and what Pillow's convert("RGB") gives of each.

    python3 transparent.py

Pillow 13.0.0.
"""

import json
import random
from pathlib import Path

from PIL import Image

FOLDER = Path(__file__).parent / "transparent"
WIDTH, HEIGHT = 5, 4

FOLDER.mkdir(exist_ok=True)
random.seed(3)
pixels = [
    (random.randrange(256), random.randrange(256), random.randrange(256), random.choice([0, 1, 100, 200, 254, 255]))
    for _ in range(WIDTH * HEIGHT)
]
rgba = Image.new("RGBA", (WIDTH, HEIGHT))
rgba.putdata(pixels)
rgba.save(FOLDER / "rgba.png")
rgba.save(FOLDER / "rgba.webp", lossless=True, exact=True)
rgba.save(FOLDER / "rgba.tif")
multiplied = Image.new("RGBA", (WIDTH, HEIGHT))
multiplied.putdata([(r * a // 255, g * a // 255, b * a // 255, a) for r, g, b, a in pixels])
multiplied.save(FOLDER / "associated.tif", tiffinfo={338: 1})
multiplied.save(FOLDER / "unspecified.tif", tiffinfo={338: 0})
multiplied.save(FOLDER / "lzw.tif", compression="tiff_lzw")
grey = rgba.convert("LA")
grey.save(FOLDER / "la.png")
grey.save(FOLDER / "la.tif")
palette = Image.new("P", (WIDTH, HEIGHT))
palette.putpalette([10, 20, 30, 200, 100, 50, 0, 255, 0, 90, 90, 200])
palette.putdata([random.randrange(4) for _ in range(WIDTH * HEIGHT)])
palette.save(FOLDER / "p.gif", transparency=2)
palette.save(FOLDER / "p.png", transparency=2)
palette.save(FOLDER / "plain.gif")
palette.save(FOLDER / "pbytes.png", transparency=bytes([0, 128, 255, 7]))
rgb = rgba.convert("RGB")
rgb.save(FOLDER / "trns.png", transparency=rgb.getpixel((1, 1)))
rgb.convert("L").save(FOLDER / "ltrns.png", transparency=rgb.convert("L").getpixel((2, 2)))


def on_larger_screen(name, whole):
    """The frame of a GIF two pixels from the left and one from the top of a larger picture."""
    data = bytearray((FOLDER / whole).read_bytes())
    data[6], data[8] = WIDTH + 3, HEIGHT + 2
    start = data.index(b"\x2c" + bytes(4))
    data[start + 1], data[start + 3] = 2, 1
    (FOLDER / name).write_bytes(data)


on_larger_screen("small_transparent.gif", "p.gif")
on_larger_screen("small.gif", "plain.gif")

expected = {}
for file in sorted(FOLDER.iterdir()):
    if file.suffix != ".json":
        image = Image.open(file)
        expected[file.name] = {"size": image.size, "rgb": list(image.convert("RGB").tobytes())}
(FOLDER / "expected.json").write_text(json.dumps(expected) + "\n")
