"""What a tenant lets its people share with the world outside it."""

from datetime import timedelta

from attrs import frozen


@frozen
class SharingPolicy:
    """A tenant's terms for links; as it stands, everything goes."""

    links_allowed: bool = True
    """Whether links may be made, and those there are lead anywhere."""
    password_required: bool = False
    """Whether a link without a password is no link."""
    longest_life: timedelta | None = None
    """How far ahead a link may end; with it, every link ends."""
    default_life: timedelta | None = None
    """When a link ends of which its maker says nothing."""
