"""HTTP: the ASGI application, routing from the table, headers, and the way of a request."""
