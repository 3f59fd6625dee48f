"""Candidates: the list of them, and the page of one."""
