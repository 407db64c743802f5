"""ONNX Runtime, set up once before anything else of it is used; take ``onnxruntime`` from here."""

import os

# Released builds count their use, keep the counts in the user's home, and can send them: nothing of ours leaves here.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime

__all__ = ["onnxruntime"]
