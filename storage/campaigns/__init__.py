"""Campaigns and what belongs to them: targets, fairs with their lines, employers, openings."""
