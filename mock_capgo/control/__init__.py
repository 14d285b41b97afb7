"""The control API under `/_mock/`: what a test may ask of the mock itself. Never limited, never in the API's spec."""
