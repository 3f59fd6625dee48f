"""The public page on which people sign up by themselves, and the poster that leads there."""
