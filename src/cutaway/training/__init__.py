"""Training: recipes, loop, checkpoints and export."""
