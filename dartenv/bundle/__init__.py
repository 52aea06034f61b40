"""The bundle: exported models with the contract a host needs to run them; neither torch nor ONNX."""
