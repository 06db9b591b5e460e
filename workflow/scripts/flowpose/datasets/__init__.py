"""Truths: a module a kind."""
