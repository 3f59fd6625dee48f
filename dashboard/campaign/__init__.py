"""A campaign's page as leadership looks at it each morning, what it is broken down by, and an employer's part of it."""
