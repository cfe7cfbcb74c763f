"""What has left, and so could come back."""
