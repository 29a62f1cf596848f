"""What all servers share: the port, and the limits of what is asked of them."""
