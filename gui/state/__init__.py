"""What the user has: values, their history, and what is kept of them."""
