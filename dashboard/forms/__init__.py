"""The pages where people say what happened. What they send is taken by `producers/forms/`."""
