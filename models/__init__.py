"""Mel front end, networks, registry, weight cards and the shipped weights.

This module is light, so that the shipped weights are found without torch.
"""
