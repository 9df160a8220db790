"""The augmentations, one module each, which adds it to :data:`wbcseg.transforms.config.AUGMENTATIONS`."""
