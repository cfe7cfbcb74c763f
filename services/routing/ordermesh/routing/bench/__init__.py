"""The service's own benchmarks; ``python -m ordermesh.routing.bench`` runs them."""
