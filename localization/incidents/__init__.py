"""Shots close in place and time as incidents: grouping, evidence, revisions, and how both are written."""
