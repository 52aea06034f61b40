"""What a bundle, a model or a checkpoint holds, read without torch, onnx or ONNX Runtime."""
