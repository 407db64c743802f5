"""Scores a remover against true masks, and shows where it is wrong."""
