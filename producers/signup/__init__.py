"""People sign up by themselves, on a public page."""
