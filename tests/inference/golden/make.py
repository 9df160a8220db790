"""Write the golden files: ``python -m tests.inference.golden.make``. Run it only after replacing a shipped model."""

import json
from pathlib import Path

from wbcseg.datasets.synthetic import draw_sample
from wbcseg.inference import Catalog
from wbcseg.io import encode_png
from wbcseg.labels import to_grey
from wbcseg.metrics import score

HERE = Path(__file__).parent
SIZES = {"neutrophil": (120, 120), "lymphocyte": (116, 108), "monocyte": (120, 120), "eosinophil": (300, 300)}


def main() -> None:
    catalog = Catalog()
    dice_by_image: dict[str, dict[str, dict[str, float]]] = {}
    for index, (cell_type, size) in enumerate(SIZES.items()):
        sample = draw_sample(7, index, size=size, cell_type=cell_type)
        (HERE / f"{cell_type}.image.png").write_bytes(encode_png(sample.image))
        (HERE / f"{cell_type}.mask.png").write_bytes(encode_png(to_grey(sample.mask)))
        for entry in catalog.usable:
            if entry.shipped:
                labels = catalog.load(entry.name).predict(sample.image).labels
                (HERE / f"{cell_type}.{entry.name}.png").write_bytes(encode_png(to_grey(labels)))
                dice = score(sample.mask, labels).dice
                dice_by_image.setdefault(cell_type, {})[entry.name] = {
                    k: round(v, 4) for k, v in dice.items() if v == v
                }
    (HERE / "dice.json").write_text(json.dumps(dice_by_image, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
