"""A candidate's own page, by a link in every mail: what is known of them, and all that they may say themselves."""
