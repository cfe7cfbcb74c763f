"""The gRPC services of inventory: they translate and call, and decide nothing."""
