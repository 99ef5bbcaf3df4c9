"""A page to compose exact models in a browser: pictures, and the mathematics in JavaScript."""
