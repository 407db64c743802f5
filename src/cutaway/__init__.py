"""Cutaway."""
