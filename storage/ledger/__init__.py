"""Facts: as they came in, how far they are applied, what could not be."""
