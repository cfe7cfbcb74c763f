"""Calendars: when a location works, when a carrier comes, and when goods arrive.

All rules are written in the wall clock of a place and all answers are instants, so that a clock
that is put forward or back moves nothing that people have agreed on.
"""
