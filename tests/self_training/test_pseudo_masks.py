"""Drawing masks on images with boxes, with the shipped models and synthetic smears."""

from __future__ import annotations

from pathlib import Path

import pytest
from smears import write_boxed_smears

from wbcseg.cli import main
from wbcseg.datasets import open_dataset
from wbcseg.self_training import pseudo_masks


def test_the_command_draws_masks_that_a_training_can_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fields, samples = write_boxed_smears(tmp_path, 3, seed=1)
    monkeypatch.setattr(pseudo_masks, "_choose", lambda _: fields)
    out = tmp_path / "drawn"
    assert main(["pseudo-masks", str(out)]) == 0
    assert "of     " in capsys.readouterr().out
    drawn = open_dataset(str(out))
    assert (out / "report.json").exists()
    for kept in drawn:
        truth = samples[kept.id.partition("/")[2]]
        assert kept.mask is not None
        assert truth.mask is not None
        assert kept.mask.shape == kept.image.shape[:2]
        # The crop may be smaller than the image; areas show that the classes were written as such.
        for class_id in (1, 2):
            area, expected = (float((mask == class_id).sum()) for mask in (kept.mask, truth.mask))
            assert area == pytest.approx(expected, rel=0.25)
    assert len(drawn) >= 1
