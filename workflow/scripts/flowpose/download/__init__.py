"""What is brought from elsewhere, and verified."""
