"""What a server of the mesh needs besides its rules: calls, storage, work, events, telemetry."""
