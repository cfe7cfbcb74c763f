"""Timelines, notifications and preferences in SQL."""
