"""Jobs: what runs in the background, for the operators of the platform to see and to nudge."""
