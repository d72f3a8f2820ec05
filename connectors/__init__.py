"""The outside world: bytes and strings. Nothing here has heard of a receipt's state; `ports` holds the promises."""
