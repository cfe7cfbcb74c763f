"""The sample retailer: ZIP geography and a year of baskets, and the same thing from CSV files."""
