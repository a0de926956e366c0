"""Mech Interp Dojo."""
