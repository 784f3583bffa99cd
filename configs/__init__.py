"""Hydra configuration, found by ``tocsin train`` as ``pkg://tocsin.configs``."""
