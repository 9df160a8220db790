"""Self-training: masks that models draw on images without expert masks, kept where several checks agree."""

from wbcseg.self_training.pseudo_masks import PseudoMaskReport, draw_pseudo_masks

__all__ = ["PseudoMaskReport", "draw_pseudo_masks"]
