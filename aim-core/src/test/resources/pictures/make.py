#!/usr/bin/python3
"""Makes the picture files of this folder and, as NAME.png, their colours by Pillow's convert('RGB'): make.py DIR.

Made with Pillow 9.4.0 (libjpeg-turbo 2.1.5) and numpy 1.24.2. Nothing here needs to be made again.
"""
import io, sys
import numpy as np
from PIL import Image, ImageOps

out = sys.argv[1]
W, H = 20, 13
APP0, APP1, APP14, SOF, SOS = 0xE0, 0xE1, 0xEE, (0xC0, 0xC1, 0xC2), 0xDA


def soft(bands, seed=5):
    c = np.random.RandomState(seed).randint(0, 255, (3, 4, bands)).astype(np.uint8)
    mode = {1: 'L', 3: 'RGB', 4: 'CMYK'}[bands]
    image = Image.fromarray(c[:, :, 0] if bands == 1 else c, mode)
    return image.resize((W, H), Image.BICUBIC)


def jpeg(image, **options):
    b = io.BytesIO()
    image.save(b, 'jpeg', quality=90, **options)
    return b.getvalue()


def segments(data):
    """[(marker, payload)] up to SOS, whose payload is the rest of the file."""
    at, found = 2, []
    while True:
        marker, length = data[at + 1], int.from_bytes(data[at + 2:at + 4], 'big')
        if marker == SOS:
            return found + [(marker, data[at + 4:])]
        found.append((marker, data[at + 4:at + 2 + length]))
        at += 2 + length


def joined(parts):
    data = b'\xff\xd8'
    for marker, payload in parts:
        length = 2 + 1 + 2 * payload[0] + 3 if marker == SOS else 2 + len(payload)
        data += bytes([0xFF, marker]) + length.to_bytes(2, 'big') + payload
    return data


def adobe(transform):
    return APP14, b'Adobe' + b'\x00\x64' + b'\x00\x00' + b'\x00\x00' + bytes([transform])


def changed(data, jfif=None, transform=None, ids=None, first=()):
    """Without APP0 and APP14, then with the markers asked for and other component ids."""
    parts = [s for s in segments(data) if s[0] not in (APP0, APP14)]
    for i, (marker, payload) in enumerate(parts):
        p = bytearray(payload)
        if ids and marker in SOF:
            for c in range(p[5]):
                p[6 + 3 * c] = ids[c]
        if ids and marker == SOS:
            for c in range(p[0]):
                p[1 + 2 * c] = ids[c]
        parts[i] = marker, bytes(p)
    before = list(first)
    if jfif:
        before.append((APP0, b'JFIF\0\1\1\0\0\1\0\1\0\0'))
    if transform is not None:
        before.append(adobe(transform))
    return joined(before + parts)


def exif(orientation):
    tiff = b'MM\0\x2a\0\0\0\x08' + b'\0\x01' + b'\x01\x12\0\x03\0\0\0\x01' + bytes([0, orientation, 0, 0]) + b'\0\0\0\0'
    return APP1, b'Exif\0\0' + tiff


def keep(name, data, transpose=False):
    with open(f'{out}/{name}', 'wb') as f:
        f.write(data)
    image = Image.open(io.BytesIO(data))
    (ImageOps.exif_transpose(image) if transpose else image).convert('RGB').save(f'{out}/{name}.png')


rgb, gray, cmyk = jpeg(soft(3), subsampling=0), jpeg(soft(1)), jpeg(soft(4), subsampling=0)
keep('jfif.jpg', rgb)
keep('jfif_420.jpg', jpeg(soft(3), subsampling=2))
keep('jfif_422.jpg', jpeg(soft(3), subsampling=1))
keep('jfif_progressive.jpg', jpeg(soft(3), progressive=True))
keep('jfif_icc.jpg', jpeg(soft(3), subsampling=0, icc_profile=__import__('PIL.ImageCms').ImageCms.ImageCmsProfile(
    __import__('PIL.ImageCms').ImageCms.createProfile('LAB')).tobytes()))
keep('jfif_ids_rgb.jpg', changed(rgb, jfif=True, ids=b'RGB'))
keep('jfif_adobe0.jpg', changed(rgb, jfif=True, transform=0))
keep('adobe0.jpg', changed(rgb, transform=0))
keep('adobe1.jpg', changed(rgb, transform=1))
keep('adobe2.jpg', changed(rgb, transform=2))
keep('adobe1_ids_rgb.jpg', changed(rgb, transform=1, ids=b'RGB'))
keep('bare_ids_123.jpg', changed(rgb))
keep('bare_ids_123_420.jpg', changed(jpeg(soft(3), subsampling=2)))
keep('bare_ids_rgb.jpg', changed(rgb, ids=b'RGB'))
keep('bare_ids_012.jpg', changed(rgb, ids=bytes([0, 1, 2])))
keep('bare_ids_ycc.jpg', changed(rgb, ids=bytes([1, 34, 35])))
keep('bare_ids_odd.jpg', changed(rgb, ids=bytes([7, 9, 5])))
keep('gray.jpg', gray)
keep('gray_bare.jpg', changed(gray))
keep('gray_adobe0.jpg', changed(gray, transform=0))
keep('cmyk_adobe0.jpg', changed(cmyk, transform=0))
keep('cmyk_adobe1.jpg', changed(cmyk, transform=1))
keep('ycck_adobe2.jpg', changed(cmyk, transform=2))
keep('ycck_adobe2_420.jpg', changed(jpeg(soft(4), subsampling=2), transform=2))
keep('cmyk_bare.jpg', changed(cmyk))
keep('cmyk_progressive.jpg', changed(jpeg(soft(4), progressive=True), transform=0))
for o in range(1, 9):
    keep(f'exif_{o}.jpg', changed(rgb, jfif=True, first=[exif(o)]), transpose=True)
