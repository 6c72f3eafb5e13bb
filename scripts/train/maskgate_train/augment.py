"""What a door's camera does to a picture: place, light, sharpness, noise, borders; never knows the label.

Promises: uint8 RGB square in, the same shape out; the same generator state gives the same pixels.
Everything here is drawn independently of the label, so that sharpness or borders cannot give it away.
"""

from __future__ import annotations

import cv2
import numpy as np

_BORDERS = (cv2.BORDER_REPLICATE, cv2.BORDER_REFLECT_101, cv2.BORDER_CONSTANT)
_FILTERS = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_AREA, cv2.INTER_NEAREST)


def augment(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One random picture of the same person at the same door."""
    out = _placed(rgb, rng)
    if rng.random() < 0.8:
        out = _lit(out, rng)
    if rng.random() < 0.15:
        out = _grey(out)
    if rng.random() < 0.5:
        out = _coarse(out, rng)
    if rng.random() < 0.25:
        out = _blurred(out, rng)
    if rng.random() < 0.3:
        out = _noisy(out, rng)
    if rng.random() < 0.4:
        out = _recompressed(out, rng)
    if rng.random() < 0.2:
        out = _framed(out, rng)
    return np.ascontiguousarray(out)


def _placed(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    side = rgb.shape[0]
    turn = float(np.clip(rng.normal(0, 8), -25, 25))
    scale = float(np.exp(rng.uniform(-0.2, 0.16)))
    stretch = float(np.exp(rng.normal(0, 0.04)))
    dx, dy = rng.uniform(-0.1, 0.1, 2) * side
    mid = (side - 1) / 2
    m = cv2.getRotationMatrix2D((mid, mid), turn, scale)
    m[0, :2] *= stretch
    m[0, 2] = mid - m[0, 0] * mid - m[0, 1] * mid + dx
    m[1, 2] += dy
    if rng.random() < 0.5:
        m[0] = -m[0]
        m[0, 2] += side - 1
    border = int(rng.choice(_BORDERS, p=[0.6, 0.2, 0.2]))
    value = [int(v) for v in rng.integers(0, 256, 3)] if rng.random() < 0.5 else [0, 0, 0]
    return cv2.warpAffine(rgb, m, (side, side), flags=cv2.INTER_LINEAR, borderMode=border, borderValue=value)


def _lit(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Gamma, contrast, brightness and white balance in one table a channel, then saturation."""
    x = np.linspace(0, 1, 256)[:, None]
    x = x ** np.exp(rng.normal(0, 0.3))
    x = (x - 0.5) * np.exp(rng.normal(0, 0.22)) + 0.5 + rng.normal(0, 0.1)
    x = x * np.exp(rng.normal(0, 0.07, 3))[None, :]
    if rng.random() < 0.12:
        x = x * rng.uniform(0.25, 0.6)
    table = np.clip(x * 255, 0, 255).astype(np.uint8)[None]
    out = cv2.LUT(rgb, np.ascontiguousarray(table))
    if rng.random() < 0.5:
        weight = float(np.clip(rng.normal(1, 0.35), 0, 2))
        out = cv2.addWeighted(out, weight, _grey(out), 1 - weight, 0)
    return out


def _grey(rgb: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)


def _coarse(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """As if the face had been small in the frame."""
    side = rgb.shape[0]
    small = max(20, int(side / np.exp(rng.uniform(0, np.log(4)))))
    down, up = int(rng.choice(_FILTERS, p=[0.4, 0.1, 0.5, 0])), int(rng.choice(_FILTERS, p=[0.5, 0.4, 0.05, 0.05]))
    return cv2.resize(cv2.resize(rgb, (small, small), interpolation=down), (side, side), interpolation=up)


def _blurred(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if rng.random() < 0.6:
        return cv2.GaussianBlur(rgb, (0, 0), float(rng.uniform(0.4, 1.8)))
    n = int(rng.integers(3, 8))
    kernel = np.zeros((n, n), np.float32)
    angle, mid = rng.uniform(0, np.pi), (n - 1) / 2
    a = (round(mid - mid * np.cos(angle)), round(mid - mid * np.sin(angle)))
    b = (round(mid + mid * np.cos(angle)), round(mid + mid * np.sin(angle)))
    cv2.line(kernel, a, b, 1.0)
    return cv2.filter2D(rgb, -1, kernel / kernel.sum())


def _noisy(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    side = rgb.shape[0]
    grain = rng.standard_normal((side, side, 1 if rng.random() < 0.5 else 3), np.float32) * rng.uniform(2, 14)
    return np.clip(rgb + grain, 0, 255).astype(np.uint8)


def _recompressed(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    _, data = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(20, 96))])
    return cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]


def _framed(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Replaces some of the outermost pixels by a colour, noise, or the smear of the row beside them."""
    out, side = rgb.copy(), rgb.shape[0]
    how = int(rng.integers(3))
    colour = rng.integers(0, 256, 3)
    for edge in np.flatnonzero(rng.random(4) < 0.5):
        wide = int(rng.integers(2, max(3, side // 8)))
        band = np.rot90(out, int(edge))[:wide]
        if how == 0:
            band[:] = colour
        elif how == 1:
            band[:] = rng.integers(0, 256, band.shape)
        else:
            band[:] = np.rot90(out, int(edge))[wide]
    return out
