"""Pure building blocks of every service: errors, ids, money and time."""
