"""Receivers of frames, one wire format a file. Frames of reference: docs/live.md."""
