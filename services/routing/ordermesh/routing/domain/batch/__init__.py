"""Many orders decided together over shared stock and labor: instance, plan, rules, verification."""
