"""BitVault: file storage, sync, sharing and search in one daemon of supervised actors."""

__version__ = "0.1.0"
