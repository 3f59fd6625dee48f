"""Messages for those who look after them: pages, and the same as JSON."""
