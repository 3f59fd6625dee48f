"""Who may do what, and who did it: keys, accounts, sessions, one-time links, the audit."""
