"""Carriage: who carries parcels, between which places, at what price, how fast and how clean."""
