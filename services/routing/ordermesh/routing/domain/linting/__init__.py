"""What is wrong with a policy before it decides anything, each with an order that shows it."""
