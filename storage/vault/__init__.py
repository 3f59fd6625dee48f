"""The one place where a person can be read, and the one that erases."""
