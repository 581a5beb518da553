"""The tables in DynamoDB: keys and codec, then a module per table."""
