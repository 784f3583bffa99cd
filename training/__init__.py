"""Training with Hydra and Lightning, and export to ONNX with a parity check. Needs ``tocsin[train]``."""
