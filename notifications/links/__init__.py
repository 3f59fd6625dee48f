"""What a signed link in a mail opens: an offer to answer, a ticket, a calendar, what one wants to be sent."""
