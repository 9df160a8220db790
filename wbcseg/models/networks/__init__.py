"""The networks, one module each: a builder that registers itself (:func:`wbcseg.models.register`)."""
