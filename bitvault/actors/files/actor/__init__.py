"""The room itself."""

from bitvault.actors.files.actor.files import Files, FilesOptions

__all__ = ["Files", "FilesOptions"]
