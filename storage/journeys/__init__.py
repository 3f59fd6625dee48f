"""What is known of candidates, and whom an employer may see."""
