"""Scenarios that prove DART moves."""
