"""What past shipments cost, could have cost, and could not have cost less than; with the proof."""
