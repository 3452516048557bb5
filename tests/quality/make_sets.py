#!/usr/bin/env python3
"""Sets for quality.sh beside folders of one's own: folders with pictures and labels.csv.

	python3 tests/quality/make_sets.py OUT

OUT/digits8   600 of scikit-learn's digits (60 of each; 8 pixels, enlarged to 32)
OUT/shapes    480 drawn pictures, one thing each: 4 shapes x 4 colours; the kind is the shape
OUT/colours   the same pictures; the kind is the colour

Needs numpy, Pillow and scikit-learn; the same pictures each time.
"""
import csv
import os
import shutil
import sys

import numpy
from PIL import Image, ImageDraw
from sklearn.datasets import load_digits

SIDE = 64
LARGE = 4  # drawn so many times larger, then made small: smooth edges
COLOURS = {"red": (205, 45, 45), "green": (45, 165, 60), "blue": (50, 80, 205), "yellow": (225, 195, 45)}


def polygon(x, y, r, turn, radii):
    steps = len(radii)
    return [(x + r * a * numpy.cos(turn + 2 * numpy.pi * i / steps), y + r * a * numpy.sin(turn + 2 * numpy.pi * i / steps))
            for i, a in enumerate(radii)]


# Of about the same area.
SHAPES = {
    "disc": lambda d, x, y, r, t, c: d.ellipse([x - r, y - r, x + r, y + r], fill=c),
    "triangle": lambda d, x, y, r, t, c: d.polygon(polygon(x, y, 1.45 * r, t, [1] * 3), fill=c),
    "star": lambda d, x, y, r, t, c: d.polygon(polygon(x, y, 1.6 * r, t, [1, 0.42] * 5), fill=c),
    "bar": lambda d, x, y, r, t, c: d.line(
        [(x - 1.6 * r * numpy.cos(t), y - 1.6 * r * numpy.sin(t)), (x + 1.6 * r * numpy.cos(t), y + 1.6 * r * numpy.sin(t))],
        fill=c, width=int(0.9 * r)),
}


def draw(rng, shape, colour):
    side = SIDE * LARGE
    # About the same in all: without jitter it would be a kind of its own.
    ground = rng.uniform(185, 205) + rng.uniform(-4, 4, 3)
    image = Image.new("RGB", (side, side), tuple(int(v) for v in ground))
    r = side * rng.uniform(0.15, 0.2)
    x, y = rng.uniform(0.35, 0.65, 2) * side
    turn = rng.uniform(0, 2 * numpy.pi)
    paint = tuple(int(v) for v in numpy.clip(numpy.array(COLOURS[colour]) + rng.uniform(-20, 20, 3), 0, 255))
    SHAPES[shape](ImageDraw.Draw(image), x, y, r, turn, paint)
    pixels = numpy.asarray(image.resize((SIDE, SIDE), Image.BOX), dtype=float)
    pixels += rng.normal(0, 4, pixels.shape)
    return Image.fromarray(numpy.clip(pixels, 0, 255).astype(numpy.uint8))


def write(folder, pictures):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    with open(os.path.join(folder, "labels.csv"), "w", newline="") as f:
        labels = csv.writer(f)
        labels.writerow(["filename", "label"])
        for name, image, kind in pictures:
            image.save(os.path.join(folder, name))
            labels.writerow([name, kind])


def shapes(out):
    rng = numpy.random.default_rng(1)
    drawn = []
    for i in range(480):
        shape, colour = list(SHAPES)[i % 4], list(COLOURS)[i // 4 % 4]
        drawn.append((f"{i:04d}.png", draw(rng, shape, colour), shape, colour))
    write(os.path.join(out, "shapes"), [(name, image, shape) for name, image, shape, _ in drawn])
    write(os.path.join(out, "colours"), [(name, image, colour) for name, image, _, colour in drawn])


def digits(out):
    data = load_digits()
    chosen = []
    for kind in range(10):
        chosen += list(numpy.flatnonzero(data.target == kind)[:60])
    enlarged = [Image.fromarray((data.images[i] / 16 * 255).astype(numpy.uint8)).resize((32, 32), Image.BICUBIC) for i in chosen]
    write(os.path.join(out, "digits8"), [(f"{i:04d}.png", image, str(data.target[i])) for i, image in zip(chosen, enlarged)])


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    shapes(sys.argv[1])
    digits(sys.argv[1])
