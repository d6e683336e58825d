"""provision: access as version-controlled files, planned and applied to live systems."""

__version__ = "0.1.0"
