"""Light and blending: how bright, tinted, sharp and noisy a thing must be to belong into this picture.

Promises: pictures are uint8 RGB, layers are float colour 0..255 with an alpha; nothing is written outside a layer.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .face import CHEEKS, SKIN, Face

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass
class Layer:
    """Something to lay over the picture: its colour, alpha, the darkening (0..1) that it throws on what is
    behind it, whether it hides glasses that the person wears, and, of what stands beside a face, its kinds."""

    x: int
    y: int
    rgb: np.ndarray
    alpha: np.ndarray
    shadow: np.ndarray | None = None
    over_glasses: bool = False
    beside: tuple[str, ...] = ()


@dataclass(frozen=True)
class Light:
    """What the picture tells about its light and its camera."""

    exposure: float
    tint: np.ndarray
    skin: np.ndarray
    slope: np.ndarray
    centre: np.ndarray
    grey: bool
    blur_px: float
    noise: float

    def falloff(self, x: int, y: int, w: int, h: int) -> np.ndarray:
        """Brightness factor over a region [h,w] of pixels: the face's own left-right and up-down gradient."""
        gx = self.slope[0] * (x + np.arange(w) - self.centre[0])
        gy = self.slope[1] * (y + np.arange(h) - self.centre[1])
        return np.clip(1 + gx[None] + 0.5 * gy[:, None], 0.6, 1.35).astype(np.float32)


def luma(rgb: np.ndarray) -> np.ndarray:
    """Luminance of float or uint8 colour."""
    return rgb.astype(np.float32) @ _LUMA


def measure_light(rgb: np.ndarray, face: Face) -> Light:
    """Reads exposure, tint, light gradient, blur and noise off the picture around the face."""
    h, w = rgb.shape[:2]
    lo = np.clip(face.points.min(0).astype(int), 0, [w - 2, h - 2])
    hi = np.clip(face.points.max(0).astype(int) + 1, lo + 2, [w, h])
    area = rgb[lo[1] : hi[1], lo[0] : hi[0]]
    step = max(1, min(h, w) // 112)
    small = rgb[::step, ::step].astype(np.float32)
    bright = small @ _LUMA
    at = np.clip(face.points[list(SKIN)].round().astype(int), 0, [w - 1, h - 1])
    soft = cv2.blur(rgb, (k := max(1, int(face.px_per_cm)), k)) if h * w < 200_000 else rgb
    seen = soft[at[:, 1], at[:, 0]].astype(np.float32)
    skin = np.median(seen[: len(CHEEKS)], axis=0)
    lum = seen @ _LUMA
    top = float(np.percentile(bright, 97))
    exposure = float(np.clip(0.5 * top / 245 + 0.5 * float(np.median(lum)) / 165, 0.3, 1.08))
    lit = small[bright >= top].mean(0)
    tint = np.clip(lit / max(float(lit @ _LUMA), 1), 0.85, 1.15) * 0.5 + 0.5
    thin = area[::3, ::3].astype(np.int16)
    chroma = float(np.abs(thin - thin[..., [1, 2, 0]]).max(2).mean())
    ab = np.c_[at - at.mean(0), np.ones(len(at))]
    slope = np.linalg.lstsq(ab, lum / max(float(lum.mean()), 1), rcond=None)[0][:2]
    limit = 0.035 / face.px_per_cm
    blur_px, noise = _sharpness(luma(area))
    return Light(
        exposure, tint.astype(np.float32), skin, np.clip(slope, -limit, limit), at.mean(0), chroma < 9, blur_px, noise
    )


def _sharpness(lum: np.ndarray) -> tuple[float, float]:
    if lum.shape[0] > 500:
        lum = lum[lum.shape[0] // 4 : -lum.shape[0] // 4, lum.shape[1] // 4 : -lum.shape[1] // 4]
    a, b = cv2.GaussianBlur(lum, (0, 0), 0.6), cv2.GaussianBlur(lum, (0, 0), 1.17)
    ratio = _edge_energy(a) / max(_edge_energy(b), 1e-6)
    sigma = 1 / np.sqrt(max(ratio - 1, 0.05))
    lap = np.abs(cv2.Laplacian(lum, cv2.CV_32F))
    return float(np.clip(sigma - 0.5, 0.25, 2.5)), float(np.clip(np.median(lap) * 0.16, 0.3, 5))


def _edge_energy(lum: np.ndarray) -> float:
    return float((np.diff(lum, axis=0) ** 2).mean() + (np.diff(lum, axis=1) ** 2).mean())


def settle(layer: Layer, light: Light, rng: np.random.Generator) -> None:
    """Gives the layer the picture's blur, noise and colourlessness, in place."""
    sigma = light.blur_px * rng.uniform(0.7, 1.1)
    if sigma > 0.3:
        pre = cv2.GaussianBlur(layer.rgb * layer.alpha[..., None], (0, 0), sigma)
        layer.alpha = cv2.GaussianBlur(layer.alpha, (0, 0), sigma)
        layer.rgb = pre / np.maximum(layer.alpha, 1e-3)[..., None]
    if light.grey:
        layer.rgb = np.repeat(luma(layer.rgb)[..., None], 3, 2)
    noise = rng.standard_normal(layer.alpha.shape, np.float32) * (light.noise * rng.uniform(0.5, 1.2))
    layer.rgb = np.clip(layer.rgb + noise[..., None], 0, 255)


def compose(rgb: np.ndarray, layers: list[Layer]) -> np.ndarray:
    """Lays the layers over a copy of the picture, first one lowest."""
    out = rgb.copy()
    for layer in layers:
        h, w = layer.alpha.shape
        part = out[layer.y : layer.y + h, layer.x : layer.x + w].astype(np.float32)
        if layer.shadow is not None:
            part *= 1 - layer.shadow[..., None]
        part += (layer.rgb - part) * layer.alpha[..., None]
        out[layer.y : layer.y + h, layer.x : layer.x + w] = (part + 0.5).astype(np.uint8)
    return out


def shadow_of(alpha: np.ndarray, px_per_cm: float, strength: float, shift_cm: tuple[float, float]) -> np.ndarray:
    """Soft contact shadow of a shape, thrown by `shift_cm`."""
    move = np.array([[1, 0, shift_cm[0] * px_per_cm], [0, 1, shift_cm[1] * px_per_cm]], np.float32)
    h, w = alpha.shape
    moved = cv2.warpAffine(alpha, move, (w, h))
    return cv2.GaussianBlur(moved, (0, 0), max(0.4, 0.45 * px_per_cm)) * strength


def region_of(px: np.ndarray, margin: float, shape: tuple[int, ...]) -> tuple[int, int, int, int] | None:
    """Whole-pixel rectangle x0,y0,x1,y1 about points, inside the picture; None if nothing is left of it."""
    x0, y0 = np.maximum(np.floor(px.reshape(-1, 2).min(0) - margin), 0).astype(int)
    x1, y1 = np.minimum(np.ceil(px.reshape(-1, 2).max(0) + margin), [shape[1], shape[0]]).astype(int)
    return None if x1 - x0 < 4 or y1 - y0 < 4 else (int(x0), int(y0), int(x1), int(y1))


def shrink(image: np.ndarray, ss: int) -> np.ndarray:
    """Area average by a whole factor."""
    if ss == 1:
        return image
    size = (image.shape[1] // ss, image.shape[0] // ss)
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)
