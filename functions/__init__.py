"""One folder per Lambda function; each holds a handler and nothing else."""
