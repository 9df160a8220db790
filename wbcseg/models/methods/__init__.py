"""The methods without a deep network: one file each, registered by :mod:`wbcseg.models.method_registry`."""
