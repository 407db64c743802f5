"""Data sets: samples, indexes, tensors and augmentation."""
