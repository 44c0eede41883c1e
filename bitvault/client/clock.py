"""Times as people read them: those of their own place, with the offset from UTC."""

from datetime import datetime


def local_time(moment: datetime | str, *, seconds: bool = True) -> str:
    """Render a moment, as in ``2026-11-30 19:34:49 +0100``; text that is none stays as it is."""
    try:
        read = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
        here = read.astimezone()
    except ValueError:
        return str(moment)
    except OverflowError:
        here = read  # at an end of the calendar: its own zone has to do
    return f"{here:%Y-%m-%d %H:%M{':%S' if seconds else ''} %z}"
