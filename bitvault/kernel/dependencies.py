"""What was last found out of the systems that the daemon stands on."""

from attrs import define, field, frozen

LOOKS_EVERY = 1.5
"""Seconds between two looks."""
LOOKS_FOR = 2.5
"""Seconds a look may take: both together are less than the five in which it is to be known."""
_FORGOTTEN_AFTER = 10.0


@frozen
class Finding:
    """What one look has found out.

    Attributes:
        dependency: The system's name, as in ``DependencyDown``.
        error: Why it is not up; empty: it is.
        at: When the look ended, in seconds of the loop's clock.
        seconds: How long it took.
    """

    dependency: str
    error: str
    at: float
    seconds: float

    def is_up(self, now: float) -> bool:
        """Return whether it answered, and not too long ago to be still believed."""
        return not self.error and now - self.at < _FORGOTTEN_AFTER


@define(eq=False)
class Dependencies:
    """The last finding of each; the driver of a system keeps its finding up to date."""

    _found: dict[str, Finding] = field(factory=dict)

    def note(self, finding: Finding) -> None:
        """Replace what was known of its system."""
        self._found[finding.dependency] = finding

    def all(self) -> tuple[Finding, ...]:
        """Return the findings, in the order the systems were first looked at."""
        return tuple(self._found.values())
