"""Chunks: the images that a worker segments in one task."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from wbcseg.scale.addresses import SourceImage

DEFAULT_CHUNK_SIZE = 100
"""Images in a chunk: about half a minute of one core for crops."""


@dataclass(frozen=True)
class Chunk:
    """Images that are segmented in one task.

    Attributes:
        images: The images.
        options_digest: Digest of the options; see :meth:`wbcseg.scale.options.ScaleOptions.compute_digest`.
    """

    images: tuple[SourceImage, ...]
    options_digest: str

    @property
    def id(self) -> str:
        """Name of its files: the same images with the same options have the same one."""
        content = [self.options_digest, *(f"{image.name}\0{image.version}" for image in self.images)]
        return hashlib.sha256("\n".join(content).encode()).hexdigest()[:20]

    def halve(self) -> tuple[Chunk, Chunk]:
        """Return two chunks with half of the images each."""
        middle = len(self.images) // 2
        return Chunk(self.images[:middle], self.options_digest), Chunk(self.images[middle:], self.options_digest)


def plan_chunks(images: Sequence[SourceImage], options_digest: str, chunk_size: int) -> list[Chunk]:
    """Divide images into chunks.

    Args:
        images: The images.
        options_digest: Digest of the options.
        chunk_size: Maximum number of images in a chunk.
    """
    return [
        Chunk(tuple(images[start : start + chunk_size]), options_digest) for start in range(0, len(images), chunk_size)
    ]
