"""Notifier: tells users by mail what happened that concerns them, once for each event."""
