"""Numbers, names and untrusted text as the pages show them."""

from __future__ import annotations

import math
import re
from typing import Final

from wbcseg.datasets import DATASETS
from wbcseg.features import FEATURES, CellFeatures
from wbcseg.labels import Labels
from wbcseg.metrics import CELL
from wbcseg.visualization import compute_class_fractions

MISSING_TEXT: Final = "–"
"""Shown in a table where there is no value."""

REGION_TITLES: Final = {CELL: "Whole cell", "image": "Whole image"}
"""Titles of regions that are not simply their capitalised names."""

_PUNCTUATION_PATTERN: Final = re.compile(r"([!-/:-@\[-`{-~])")
_CONTROL_PATTERN: Final = re.compile(r"[\x00-\x1f\x7f]+")


def escape_markdown(text: str) -> str:
    """Escape a text so that the page shows it literally: no Markdown, HTML, icons or formulas.

    Args:
        text: Any text, such as a file name or an error that quotes one.

    Returns:
        Markdown that is shown as the text. Control characters become spaces.
    """
    escaped = _PUNCTUATION_PATTERN.sub(r"\\\1", _CONTROL_PATTERN.sub(" ", text))
    # Streamlit looks for icons (:material/x:) and colours (:red[x]) after it has removed the escapes; a word joiner,
    # which has no width, separates the colon from what follows.
    return escaped.replace("\\:", "\\:\u2060")


def escape_lines(text: str) -> str:
    """Escape a text of several lines like :func:`escape_markdown`, and keep the line breaks."""
    return "  \n".join(escape_markdown(line) for line in text.splitlines())


def format_integer(number: float) -> str:
    """Format a whole number with narrow spaces between thousands."""
    return format_decimal(number, 0)


def format_decimal(number: float, digits: int) -> str:
    """Format a number with a fixed number of decimals and narrow spaces between thousands."""
    return f"{number:,.{digits}f}".replace(",", "\u202f")


def pluralise(count: int, noun: str, plural: str = "") -> str:
    """Format a count with its noun: ``1 image``, ``2 images``.

    Args:
        count: The count.
        noun: The noun in the singular.
        plural: Its plural, if that is not the singular with an s.
    """
    return f"{format_integer(count)} {noun if count == 1 else plural or f'{noun}s'}"


def format_ordinal(number: int) -> str:
    """Format a position: ``1st``, ``2nd``, ``3rd``, ``11th``."""
    suffix = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"


def format_cell_count(count: int) -> str:
    """Format how many cells there are in a field of view: ``2 white blood cells``, ``no white blood cells``."""
    return pluralise(count, "white blood cell") if count else "no white blood cells"


def format_score(value: float) -> str:
    """Format a Dice or Jaccard score with three decimals; NaN means that the class is absent."""
    return "n/a – class absent" if math.isnan(value) else f"{value:.3f}"


def format_mean(mean: float | None, error: float | None = None, digits: int = 3) -> str:
    """Format a mean with its standard error, where it has one; :data:`MISSING_TEXT` without a mean."""
    if mean is None or math.isnan(mean):
        return MISSING_TEXT
    error_text = "" if error is None or math.isnan(error) else f" ±\u00a0{error:.{digits}f}"
    return f"{mean:.{digits}f}{error_text}"


def format_difference(difference: float) -> str:
    """Format a difference with its sign and three decimals; one that rounds to zero has no sign."""
    text = f"{difference:+.3f}".replace("-", "\u2212")
    return text[1:] if float(f"{difference:.3f}") == 0.0 else text


def format_significant(value: float) -> str:
    """Format a number with three significant digits and at most four decimals, without an exponent."""
    magnitude = abs(value)
    text = f"{value:.0f}" if magnitude >= 100 else f"{value:.3g}" if magnitude >= 0.001 else f"{value:.4f}"
    return text.replace("-", "\u2212") if float(text) else "0"


def format_percent(fraction: float | None, digits: int = 1) -> str:
    """Format a fraction (0 to 1) as a percentage; ``None`` as :data:`MISSING_TEXT`."""
    return MISSING_TEXT if fraction is None else f"{100 * fraction:.{digits}f}%"


def format_duration(seconds: float | None) -> str:
    """Format a duration as ``40 s``, ``3 min 20 s`` or ``2 h 05 min``; ``None`` as :data:`MISSING_TEXT`."""
    if seconds is None:
        return MISSING_TEXT
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole}\u00a0s"
    if whole < 600:
        minutes, rest = divmod(whole, 60)
        return f"{minutes}\u00a0min" + (f" {rest}\u00a0s" if rest else "")
    hours, minutes = divmod(round(whole / 60), 60)
    return f"{hours}\u00a0h {minutes:02}\u00a0min" if hours else f"{minutes}\u00a0min"


def format_bytes(byte_count: float) -> str:
    """Format a number of bytes in kB, MB or GB."""
    unit, unit_size = next(
        ((symbol, threshold) for symbol, threshold in (("GB", 1e9), ("MB", 1e6)) if byte_count >= threshold),
        ("kB", 1e3),
    )
    return f"{byte_count / unit_size:.1f}\u00a0{unit}"


def format_size(size: tuple[int, int]) -> str:
    """Format height and width in pixels, width first."""
    return f"{size[1]} × {size[0]}"


def format_alt(title: str, labels: Labels) -> str:
    """Describe a segmentation for screen readers: its title, and how much of the image each class covers."""
    fractions = compute_class_fractions(labels)
    nucleus, cytoplasm = format_percent(fractions["nucleus"]), format_percent(fractions["cytoplasm"])
    return f"{title}: nucleus {nucleus}, cytoplasm {cytoplasm} of the image"


def format_region(region: str) -> str:
    """Return the title of a region that a metric is of."""
    return REGION_TITLES.get(region, region.capitalize())


def format_dataset_name(dataset_name: str) -> str:
    """Return the short title of a data set, or of several joined by ``+``; of a folder or zip, its file name."""
    part_names = dataset_name.split("+")
    if set(part_names) <= set(DATASETS):
        return " + ".join(DATASETS[name].short_title for name in part_names)
    return dataset_name.replace("\\", "/").rstrip("/").rpartition("/")[2]


def get_local_id(sample_id: str) -> str:
    """Return a sample's id without its data set: ``007`` for ``zheng-1/007``."""
    return sample_id.partition("/")[2] or sample_id


def get_mask_title(sample_id: str) -> str:
    """Return what the reference mask of a sample is called: experts drew those of photographs."""
    return "Exact mask" if sample_id.startswith("synthetic/") else "Expert mask"


def format_feature_label(name: str, pixel_size: float | None) -> str:
    """Return the title of a measurement with its unit.

    Args:
        name: A key of :data:`wbcseg.features.FEATURES`.
        pixel_size: Pixel size in µm, or ``None`` for pixels.
    """
    spec, unit = FEATURES[name], "px" if pixel_size is None else "µm"
    return f"{spec.title}{ {0: '', 1: f' ({unit})', 2: f' ({unit}²)'}[spec.power] }"


def format_feature(name: str, features: CellFeatures | None, pixel_size: float | None) -> str:
    """Format a measurement of a cell; :data:`MISSING_TEXT` where it is not defined.

    Args:
        name: A key of :data:`wbcseg.features.FEATURES`.
        features: The measurements of the cell, or ``None`` where none was found.
        pixel_size: Pixel size in µm, or ``None`` for pixels.
    """
    value = features.to_units(pixel_size)[name] if features else math.nan
    if math.isnan(value):
        return MISSING_TEXT
    if name == "touches_edge":
        return "yes" if value else "no"
    spec = FEATURES[name]
    return format_decimal(value, spec.decimals if pixel_size is None or not spec.power else 1)


def format_mean_colour(part: str, features: CellFeatures | None) -> str:
    """Format the mean colour of a part of a cell as a colour field with its red, green and blue, in Markdown.

    Args:
        part: ``"nucleus"`` or ``"cytoplasm"``.
        features: The measurements of the cell, or ``None`` where none was found.

    Returns:
        :data:`MISSING_TEXT` where the cell has no such part.
    """
    values = [features.values[f"{part}_{channel}"] if features else math.nan for channel in ("red", "green", "blue")]
    if any(map(math.isnan, values)):
        return MISSING_TEXT
    red, green, blue = (round(value) for value in values)
    # Non-breaking spaces become a field in the background colour; the table draws its edge.
    return f':color[\u00a0\u00a0\u00a0\u00a0]{{background="#{red:02x}{green:02x}{blue:02x}"}} {red}, {green}, {blue}'
