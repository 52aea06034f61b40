"""Checks of ONNX Runtime in the target."""
