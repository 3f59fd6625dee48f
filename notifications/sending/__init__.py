"""A message on its way out: claimed, composed, rendered, sent, recorded."""
