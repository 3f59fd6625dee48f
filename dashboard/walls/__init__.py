"""Walls: targets on a screen in a hall, by a link that anybody may open until it is revoked."""
