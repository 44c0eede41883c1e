"""Tests of the embedded object store, most of them against a real process."""
