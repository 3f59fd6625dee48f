"""Pages for candidates, opened by signed links from their mails. Who holds a link needs no key."""
