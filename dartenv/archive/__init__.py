"""Archives from elsewhere: judged whole before one byte of them is written."""
