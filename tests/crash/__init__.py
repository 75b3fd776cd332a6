"""Runs that are killed, disks that fail, files that rot: ``make crash``."""
