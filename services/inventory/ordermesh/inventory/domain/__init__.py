"""What the inventory service knows about stock, free of clocks, databases and transports."""
