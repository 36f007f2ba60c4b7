#!/usr/bin/python3
"""Makes the WebP files of this folder and, as NAME.png, their pixels by Pillow: make.py DIR.

Made with Pillow 9.4.0 (libwebp 1.2.4) and numpy 1.24.2. Nothing here needs to be made again.
"""
import sys
import numpy as np
from PIL import Image, ImageOps

out = sys.argv[1]
colours = Image.fromarray(np.random.RandomState(5).randint(0, 255, (3, 4, 3)).astype(np.uint8))
exif = Image.Exif()
exif[0x0112] = 6
for name, options in {'lossless': {'lossless': True}, 'lossy': {'quality': 95},
                      'exif_6': {'lossless': True, 'exif': exif.tobytes()}}.items():
    # The lossy one is larger: libwebp smooths the coarser colours between pixels, the reader used here does not.
    picture = colours.resize((96, 64) if name == 'lossy' else (20, 13), Image.BICUBIC)
    picture.save(f'{out}/{name}.webp', **options)
    ImageOps.exif_transpose(Image.open(f'{out}/{name}.webp')).convert('RGB').save(f'{out}/{name}.png')
