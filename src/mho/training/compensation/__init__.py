"""Digital compensation of the errors that a trained network has left."""
