"""Templates: how they are written, checked, compiled; HR's own versions, and trying them."""
