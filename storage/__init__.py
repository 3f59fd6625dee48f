"""The ledger and the read models. All SQL lives here."""
