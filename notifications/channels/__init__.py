"""The ways out: a narrow port, and one file for each channel behind it."""
