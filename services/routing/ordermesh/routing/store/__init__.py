"""Where routing keeps what it knows: a PostgreSQL schema or a SQLite file."""
