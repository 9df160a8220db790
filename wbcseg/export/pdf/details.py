"""What a person adds to a report, and how it writes numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

from wbcseg.features import FEATURES


@dataclass(frozen=True)
class ReportDetails:
    """What a person adds to a report. It stands in the report and nowhere else.

    Attributes:
        sample: Name or number of the sample.
        operator: Who made the report.
        note: Any text; line breaks are kept.
        with_image_names: Whether images are named beside their number. Names of files can hold a patient's name.
        decimal_comma: Whether numbers have a decimal comma.
    """

    sample: str = ""
    operator: str = ""
    note: str = ""
    with_image_names: bool = True
    decimal_comma: bool = False

    def format_number(self, value: float, decimals: int) -> str:
        """Return a number with its decimals; a dash if it is not defined."""
        text = "\N{EN DASH}" if math.isnan(value) else f"{value:.{decimals}f}"
        return text.replace(".", ",") if self.decimal_comma else text

    def format_percent(self, share: float, decimals: int = 0) -> str:
        """Return a share, 0 to 1, in percent."""
        return f"{self.format_number(100 * share, decimals)} %"

    def format_feature(self, name: str, value: float, pixel_size: float | None) -> str:
        """Return a measurement with its unit.

        Args:
            name: A key of :data:`wbcseg.features.FEATURES`.
            value: Its value, in the units that the pixel size gives.
            pixel_size: Pixel size in µm, or ``None``.
        """
        spec = FEATURES[name]
        decimals = spec.decimals if pixel_size is None or not spec.power else 1
        unit = format_unit(name, pixel_size)
        return f"{self.format_number(value, decimals)} {unit}" if unit else self.format_number(value, decimals)


def format_unit(name: str, pixel_size: float | None) -> str:
    """Return the unit of a measurement; empty without one."""
    power = FEATURES[name].power
    return "" if not power else ("px" if pixel_size is None else "µm") + ("²" if power == 2 else "")
