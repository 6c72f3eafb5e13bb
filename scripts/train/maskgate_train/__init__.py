"""Training of the mask classifier: synthetic data, landmarks, training, evaluation, export."""
