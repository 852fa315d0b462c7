"""The book is built once, then read as a reader would: in a browser, with no network."""
