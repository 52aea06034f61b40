"""From a DART tree to a bundle of ONNX models; numpy and onnx are enough, torch only for parity."""
