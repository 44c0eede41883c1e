"""Measurements: ratios against the same work done bare, in one run on one machine."""
