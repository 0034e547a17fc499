"""What is written as JSON and printed as JSON: one class a document, plain data, no torch."""
