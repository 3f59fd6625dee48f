"""Persons: how long they are kept, where their mail goes, and all that is held about one."""
