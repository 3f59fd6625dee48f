"""Who comes in: signing in, sessions, accounts, keys, the audit, as pages."""
