"""Which change asks for a message, when it may go, what a word does to it. Pure."""
