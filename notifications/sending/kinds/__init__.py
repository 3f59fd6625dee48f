"""What the mails of each kind say, and when they have nothing to say any more."""
