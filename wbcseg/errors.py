"""Every error that the package raises on purpose.

Each message is written for the person who reads it: it names the offender (file, entry, value), says what was
expected and what was received, and what to do about it. Faces (page, terminal) show the text and nothing else.

::

    WbcsegError
    ├── ImageError               a picture cannot be read or is not acceptable
    ├── MaskError                an expert mask cannot be read or holds values that are no class
    ├── DatasetError             a data set is missing or is not what it should be
    │   ├── PairingError         pictures and masks do not pair up
    │   ├── DownloadError        the data could not be fetched
    │   └── ManifestError        the data is not the data that was recorded
    ├── SplitError               a split of a data set is not acceptable
    │   └── LeakError            the same cell is on both sides of a split that claims to be leak-free
    ├── ConfigError              a setting is unknown or out of range
    ├── RunError                 a training run's folder cannot be used
    ├── TrainingError            a training could not go on
    │   └── NotEnoughMemoryError a training needs more memory than is free
    └── ModelError               a model folder cannot be used
        ├── ChecksumError        a file is not the file that the card describes
        └── WeightsError         the weights do not belong to the network
"""


class WbcsegError(Exception):
    """Base of every error that the package raises on purpose."""


class ImageError(WbcsegError):
    """A picture cannot be read, or is not acceptable."""


class MaskError(WbcsegError):
    """An expert mask cannot be read, or holds values that are no class."""


class DatasetError(WbcsegError):
    """A data set is missing, or is not what it should be."""


class PairingError(DatasetError):
    """Pictures and masks do not pair up."""


class DownloadError(DatasetError):
    """The data could not be fetched."""


class ManifestError(DatasetError):
    """The data is not the data that was recorded."""


class SplitError(WbcsegError):
    """A split of a data set is not acceptable."""


class LeakError(SplitError):
    """The same cell is on both sides of a split that claims to be leak-free."""


class ConfigError(WbcsegError):
    """A setting is unknown or out of range."""


class RunError(WbcsegError):
    """A training run's folder cannot be used."""


class TrainingError(WbcsegError):
    """A training could not go on."""


class NotEnoughMemoryError(TrainingError):
    """A training needs more memory than is free."""


class ModelError(WbcsegError):
    """A model folder cannot be used."""


class ChecksumError(ModelError):
    """A file is not the file that the model's card describes."""


class WeightsError(ModelError):
    """The weights do not belong to the network."""
