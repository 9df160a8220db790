"""Types of cells in GeoJSON, COCO and the table of cells."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
from cells_with_types import make_cell

from wbcseg.export import build_cell_rows, build_outline
from wbcseg.export.coco import CELL_ID, CocoWriter
from wbcseg.export.geojson import UNTYPED_CLASS, build_geojson

LABELS = np.pad(np.full((2, 2), 2, np.uint8), 1, constant_values=1)


def test_the_class_of_a_geojson_cell_is_its_type() -> None:
    typed = replace(make_cell("band"), predicted_type="neutrophil", type_probabilities={"neutrophil": 0.75})
    features = json.loads(build_geojson([build_outline(cell, LABELS) for cell in (typed, make_cell(""))]))["features"]
    assert [feature["properties"]["classification"]["name"] for feature in features] == ["Neutrophil", UNTYPED_CLASS]
    assert features[0]["properties"]["metadata"] == {
        "cell_index": "1",
        "type": "neutrophil",
        "type_probability": "0.75",
    }


def test_the_category_of_a_coco_cell_is_its_type() -> None:
    writer = CocoWriter()
    cells = [make_cell(name) for name in ("monocyte", "", "monocyte", "unsure")]
    writer.add("a.png", (4, 4), [build_outline(cell, LABELS) for cell in cells])
    content = json.loads(writer.to_bytes())
    names = {category["id"]: category["name"] for category in content["categories"]}
    whole = [entry for entry in content["annotations"] if entry["category_id"] >= CELL_ID]
    assert [names[entry["category_id"]] for entry in whole] == ["monocyte", "cell", "monocyte", "unsure"]
    assert len(set(names.values())) == len(names)


def test_probabilities_and_subtypes_have_columns_only_where_there_are_types() -> None:
    typed = replace(
        make_cell("neutrophil"),
        subtype="band neutrophil",
        type_probabilities={"neutrophil": 0.75, "not a white cell": 0.25},
    )
    rows = build_cell_rows([typed, make_cell("")])
    records = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    assert rows[0][-2:] == ["probability_neutrophil", "probability_not_a_white_cell"]
    assert [record["probability_neutrophil"] for record in records] == ["0.75", ""]
    assert [record["subtype"] for record in records] == ["band neutrophil", ""]
    assert "subtype" not in build_cell_rows([make_cell("")])[0]
