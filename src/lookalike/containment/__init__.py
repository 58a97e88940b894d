"""Containment: which picture lies inside which larger one."""
