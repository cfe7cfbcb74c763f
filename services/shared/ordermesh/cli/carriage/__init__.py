"""Carriage on the command line: files of carriers, zones, prices, lanes, postal codes and rates."""
