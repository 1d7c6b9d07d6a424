"""Stored results of peer libraries, and the script that made them."""
