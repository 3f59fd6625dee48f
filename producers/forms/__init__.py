"""Facts that people post by the forms of the pages."""
