"""Segment many images on many processes or machines with Dask, and train on them.

Needs the extra ``cluster`` (``pip install ".[cluster]"``). The command ``segment`` calls :func:`segment_at_scale` with
the option ``--scheduler``. The work is cut into chunks of images; a chunk's results are written before its entry in the
manifest, so a run that was killed at any moment is continued by the same call.
"""

import importlib.util

from wbcseg.errors import ConfigError

if missing := [name for name in ("dask", "distributed", "fsspec", "pyarrow") if importlib.util.find_spec(name) is None]:
    raise ConfigError(
        f"Schedulers need Dask and what it reads and writes; not installed: {', '.join(missing)}.",
        hint='Install it: pip install "wbcseg[cluster]"',
    )

from wbcseg.scale.cluster import connect
from wbcseg.scale.options import ScaleOptions
from wbcseg.scale.run import ScaleSummary, segment_at_scale

__all__ = ["ScaleOptions", "ScaleSummary", "connect", "segment_at_scale"]
